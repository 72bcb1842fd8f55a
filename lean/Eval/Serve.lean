module
public import Spec.Check.Coverage
public import Spec.Check.Gradient

/-!
# The evaluator

Reads one JSON request a line and answers each with one line: what the specification says of a recorded call.
-/

@[expose] public section
namespace Spec.Eval
open Lean (Json)

/-- What can be asked about a family of models. -/
structure Family where
  /-- Its spec points by name. -/
  points : List (String × Point)
  /-- Its structural facts by name. -/
  facts : List (String × Fact)

/-- What is called `name` in the first of the families that has it. -/
def search.{u} {β : Type u} (part : Family → List (String × β)) (name : String) : List Family → Option β
  | [] => none
  | f :: fs =>
    match Request.lookup name (part f) with
    | some x => some x
    | none => search part name fs

/-- Judge a structural fact: the runtime's numbers must be the specification's. -/
def judgeFact (families : List Family) (name : String) (j : Json) : Except String (List (String × Json)) := do
  let value ← Request.nats (← Request.field j "value")
  match search Family.facts name families with
  | none => throw s!"no structural fact is called '{name}'"
  | some fact =>
    let expected ← fact j
    if value == expected then return [("verdict", Json.str "EXACT")]
    else throw s!"the runtime has {Request.showShape value}, the specification says {Request.showShape expected}"

/-- The loop of `judgePoint`. -/
def outputsLoop {m : Rounding} (p : Prediction (Reach m)) (outputs : Array Json) (indices : List Nat) (i fuel : Nat)
    (acc : Array Json) : Except String (Array Json) :=
  match fuel with
  | 0 => .ok acc
  | fuel + 1 => do
    let out ← Request.parseTensor "output" (outputs.getD i Json.null)
    outputsLoop p outputs indices (i + 1) fuel (acc.push (Json.mkObj (judge p out indices)))

/-- The recorded output in a request. -/
def outputOf (j : Json) : Except String Tensor := do Request.parseTensor "output" (← Request.field j "output")

/-- Judge the recorded call in a request, or if it has `outputs` in the place of an output, each of several calls with the
same inputs. -/
def judgePoint (m : Rounding) (point : Point) (r : Request) (j : Json) : Except String (List (String × Json)) := do
  let indices ← Request.nats (← Request.field j "indices")
  match (Request.field j "outputs").bind Json.getArr? with
  | .ok outputs =>
    let p := (← point (Reach m) r).shared indices
    return [("answers", Json.arr (← outputsLoop p outputs indices 0 outputs.size #[]))]
  | .error _ => return Coverage.judge r (← point (Marked m) r) (← outputOf j) indices

/-- Judge the recorded gradient in a request, with respect to the input called `wrt`. -/
def judgeGradient (m : Rounding) (point : Point) (r : Request) (wrt : String) (j : Json) :
    Except String (List (String × Json)) := do
  return judge (← Gradient.predict point m r wrt) (← outputOf j) (← Request.nats (← Request.field j "indices"))

/-- Judge the recorded call in a request. -/
def judgeCall (families : List Family) (j : Json) : Except String (List (String × Json)) := do
  let rounding ← Request.parseRounding (← Request.field j "rounding")
  let r ← Request.parse j
  match search Family.points r.point families with
  | none => throw s!"no spec point is called '{r.point}'"
  | some point =>
    match rounding with
    | none => return [("verdict", Json.str "UNBOUNDED"), ("message", Json.str "the order of its additions has no rounding model")]
    | some m =>
      match (Request.field j "wrt").bind Json.getStr? with
      | .ok wrt => judgeGradient m point r wrt j
      | .error _ => judgePoint m point r j

/-- The functions whose enclosures can be asked for. -/
def functions : List (String × (Interval → Option Interval)) :=
  [("exp", Interval.exp), ("log", Interval.log), ("sin", Interval.sin), ("cos", Interval.cos),
   ("tanh", Interval.tanh), ("softplus", Interval.softplus), ("sigmoid", Interval.sigmoid), ("silu", Interval.silu),
   ("gelu", Interval.gelu), ("sqrt", Interval.sqrt), ("sigmoid_slope", fun x => (Interval.sigmoid x).map Interval.sigmoidSlope),
   ("tanh_slope", fun x => (Interval.tanh x).map Interval.tanhSlope),
   ("silu_slope", fun x => (Tangent.siluParts x).map fun p => p.1),
   ("gelu_slope", fun x => (Tangent.geluParts x).map fun p => p.1)]

/-- An enclosure as JSON: mantissa and scale of both ends, or null. -/
def showInterval : Option Interval → Json
  | none => Json.null
  | some x =>
    let num (n : Int) : Json := Json.num ⟨n, 0⟩
    Json.arr #[num (Dy.mantissa x.lo), num (Dy.scale x.lo), num (Dy.mantissa x.hi), num (Dy.scale x.hi)]

/-- The loop of `enclose`. -/
def encloseLoop (f : Interval → Option Interval) (xs : Tensor) (i fuel : Nat) (acc : Array Json) : Array Json :=
  match fuel with
  | 0 => acc
  | fuel + 1 =>
    encloseLoop f xs (i + 1) fuel (acc.push (showInterval ((xs.number? i).bind fun x => f (Interval.point x))))

/-- Enclosures of a function at every entry of a tensor. -/
def enclose (name : String) (j : Json) : Except String (List (String × Json)) := do
  let x ← Request.parseInput "x" (← Request.field j "x")
  match Request.lookup name functions with
  | none => throw s!"no function is called '{name}'"
  | some f => return [("enclosures", Json.arr (encloseLoop f x 0 x.bits.size #[]))]

/-- What a request asks for: a structural fact, the enclosures of a function, or the verdict on a recorded call. -/
def answerTo (families : List Family) (j : Json) : Except String (List (String × Json)) :=
  match (Request.field j "fact").bind Json.getStr?, (Request.field j "function").bind Json.getStr? with
  | .ok name, _ => judgeFact families name j
  | _, .ok name => enclose name j
  | _, _ => judgeCall families j

/-- The answer to one line. -/
def answer (families : List Family) (line : String) : Json :=
  match Json.parse line with
  | .error e => Json.mkObj [("error", Json.str e)]
  | .ok j =>
    let id := (Request.field j "id").toOption.getD Json.null
    match answerTo families j with
    | .error e => Json.mkObj [("id", id), ("verdict", Json.str "FAIL"), ("message", Json.str e)]
    | .ok fields => Json.mkObj (("id", id) :: fields)

/-- Answer line after line until the input ends. -/
partial def loop (families : List Family) (stdin stdout : IO.FS.Stream) : IO Unit := do
  let line ← stdin.getLine
  if line == "" then return
  stdout.putStrLn (answer families line).compress
  stdout.flush
  loop families stdin stdout

/-- Run the evaluator for some families. -/
def serve (families : List Family) : IO Unit := do
  let stdout ← IO.getStdout
  stdout.putStrLn "{\"ready\":true}"
  stdout.flush
  loop families (← IO.getStdin) stdout

end Spec.Eval
