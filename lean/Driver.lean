module
public import Lean.Elab.Frontend
public import Lean.Util.CollectAxioms

/-!
# The build driver

Compiles one module for each line of JSON that it reads, `{"module":..,"source":..,"olean":..}`, and writes Lean's own
messages, then one line with the module's theorems. Many modules in one process take a fraction of the time that a
process each would take.
-/

public section
namespace Driver
open Lean

/-- The names that satisfy `p`, as JSON. Written as a fold, like all loops here: not every build of Lean can
run the library's own. -/
def names (ns : Array Name) (p : Name → Bool) : Json :=
  .arr (ns.toList.foldl (fun found n => if p n then found.push (Json.str n.toString) else found) #[])

/-- Whether a constant was declared as an axiom: an imported one can look like one for want of its body. -/
def isAxiom (env : Environment) (name : Name) : Bool :=
  match getOriginalConstKind? env name with
  | some .axiom => true
  | _ => false

/-- Whether a constant belongs to the library that is compiled, and not to core Lean. -/
def isOwn (env : Environment) (name : Name) : Bool :=
  match env.getModuleIdxFor? name with
  | some i => env.header.moduleNames[i]!.getRoot == `Spec
  | none => true

/-- What is recorded of a theorem: the axioms that it rests on, and the imported constants that it uses and whose
bodies are not at hand, those of this library apart from core Lean's; for a public one also its statement. -/
def theoremJson (env : Environment) (name : Name) (type : Expr) : CoreM Json := do
  let found ← collectAxioms name
  let facts := [("name", Json.str name.toString), ("axioms", names found (isAxiom env)),
    ("uses", names found fun n => !isAxiom env n && isOwn env n),
    ("core", names found fun n => !isAxiom env n && !isOwn env n)]
  if name.isInternalDetail || isPrivateName name then return .mkObj facts
  let statement ← (PrettyPrinter.ppExpr type).run'
  return .mkObj (("statement", Json.str (statement.pretty 100)) :: facts)

/-- What is recorded of several theorems. -/
def theoremsJson (env : Environment) (done : Array Json) : List (Name × Expr) → CoreM (Array Json)
  | [] => return done
  | (name, type) :: rest => do theoremsJson env (done.push (← theoremJson env name type)) rest

/-- The theorems of the module that was just compiled. -/
def inventory (env : Environment) : IO Json := do
  let constants := (← mkModuleData env).constants.toList
  let theorems := constants.foldl (fun found info =>
    match info with
    | .thmInfo t => (t.name, t.type) :: found
    | _ => found) []
  let options := ({} : Options).setBool `pp.deepTerms true
  let (found, _) ← (theoremsJson env #[] theorems).toIO { fileName := "", fileMap := default, options } { env }
  return .arr found

/-- Compile one module. -/
def compile (request : Json) : IO Json := do
  let field name := IO.ofExcept (request.getObjValAs? String name)
  let module ← field "module"
  let source ← field "source"
  let olean ← field "olean"
  let text ← IO.FS.readFile source
  let options := ({} : Options).setBool `internal.cmdlineSnapshots true
  let env? ← Elab.runFrontend text options source module.toName
    (oleanFileName? := some olean) (jsonOutput := true)
  match env? with
  | none => return .mkObj [("done", Json.str module), ("ok", Json.bool false)]
  | some env =>
    return .mkObj [("done", Json.str module), ("ok", Json.bool true), ("theorems", ← inventory env)]

/-- Compile module after module until the input ends. -/
partial def loop (stdin stdout : IO.FS.Stream) : IO Unit := do
  let line ← stdin.getLine
  if line == "" then return
  let answer ← try
      compile (← IO.ofExcept (Json.parse line))
    catch e => pure (.mkObj [("failed", Json.str (toString e))])
  stdout.putStrLn ("\n" ++ answer.compress)
  stdout.flush
  loop stdin stdout

end Driver

/-- Run the driver. -/
def main : IO Unit := do
  let stdout ← IO.getStdout
  stdout.putStrLn "{\"ready\":true}"
  stdout.flush
  Driver.loop (← IO.getStdin) stdout
