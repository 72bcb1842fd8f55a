module
public import Spec.Check.Mamba

/-!
# The evaluator

Reads one JSON request a line and answers each with one line: what the specification says of a recorded call.
-/

@[expose] public section
namespace Spec.Eval
open Lean (Json)

/-- All spec points. -/
def points : List (String × Point) := Check.Mamba.points

/-- All structural facts. -/
def facts : List (String × Fact) := Check.Mamba.facts

/-- Judge a structural fact: the runtime's numbers must be the specification's. -/
def judgeFact (name : String) (j : Json) : Except String (List (String × Json)) := do
  let value ← Request.nats (← Request.field j "value")
  match Request.lookup name facts with
  | none => throw s!"no structural fact is called '{name}'"
  | some fact =>
    let expected ← fact j
    if value == expected then return [("verdict", Json.str "EXACT")]
    else throw s!"the runtime has {Request.showShape value}, the specification says {Request.showShape expected}"

/-- Judge the recorded call in a request. -/
def judgeCall (j : Json) : Except String (List (String × Json)) := do
  let m ← Request.parseRounding (← Request.field j "rounding")
  let r ← Request.parse j
  let (shape, out) ← Request.parseTensor "output" (← Request.field j "output")
  let indices ← Request.nats (← Request.field j "indices")
  match Request.lookup r.point points with
  | none => throw s!"no spec point is called '{r.point}'"
  | some point => return judge (← point m r) shape out indices

/-- The answer to one line. -/
def answer (line : String) : Json :=
  match Json.parse line with
  | .error e => Json.mkObj [("error", Json.str e)]
  | .ok j =>
    let id := (Request.field j "id").toOption.getD Json.null
    let judged := match (Request.field j "fact").bind Json.getStr? with
      | .ok name => judgeFact name j
      | .error _ => judgeCall j
    match judged with
    | .error e => Json.mkObj [("id", id), ("verdict", Json.str "FAIL"), ("message", Json.str e)]
    | .ok fields => Json.mkObj (("id", id) :: fields)

/-- Answer line after line until the input ends. -/
partial def loop (stdin stdout : IO.FS.Stream) : IO Unit := do
  let line ← stdin.getLine
  if line == "" then return
  stdout.putStrLn (answer line).compress
  stdout.flush
  loop stdin stdout

end Spec.Eval

/-- Run the evaluator. -/
def main : IO Unit := do
  let stdout ← IO.getStdout
  stdout.putStrLn "{\"ready\":true}"
  stdout.flush
  Spec.Eval.loop (← IO.getStdin) stdout
