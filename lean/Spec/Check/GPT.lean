module
public import Spec.Check.ViT
public import Spec.Model.GPT

/-!
# Spec points of GPT

Axes: `B` texts, `H` heads, `P` tokens before, `T` tokens now, `S = P + T` keys, `d` entries of a head, `D` width.
-/

@[expose] public noncomputable section
namespace Spec.Check.GPT
open Spec.Point Spec.GPT
variable {α : Type} [Scalar α] [Recorded α]

/-- A recorded token, if it is in a vocabulary of `V`. -/
def token (ids : Tensor) (V i : Nat) : Except String (Fin V) :=
  let id := ids.bits.getD i 0
  if h : id < V then .ok ⟨id, h⟩ else .error s!"'{ids.name}' entry {i} is not in a vocabulary of {V}"

/-- The loop of `tokenRow`. -/
def tokenLoop (ids : Tensor) (V i : Nat) : Nat → Array (Fin V) → Except String (Array (Fin V))
  | 0, acc => .ok acc
  | fuel + 1, acc => do tokenLoop ids V (i + 1) fuel (acc.push (← token ids V i))

/-- All recorded tokens, which must be integers. -/
def tokenRow (ids : Tensor) (V : Nat) : Except String (Array (Fin V)) :=
  if ids.format.exponent == 0 then tokenLoop ids V 0 ids.bits.size #[] else .error s!"'{ids.name}' holds no integers"

/-- `gpt.embed`. -/
def embed : Point := fun α _ _ r => do
  let ids ← r.tensor "tokens"
  let past ← r.int "past"
  match ids.shape, (← r.tensor "token_weight").shape, (← r.tensor "position_weight").shape with
  | [b, t], [V, D], [C, _] =>
    let x ← tokenRow ids V
    let table : Mat V D α := (← r.shaped "token_weight" [V, D]).mat V D
    let places : Mat C D α := (← r.shaped "position_weight" [C, D]).mat C D
    if past + t ≤ C then
      return ⟨[b, t, D], D, fun i =>
        if h : i < x.size ∧ past + i % t < C then flatVec (embedAt table places x[i] ⟨past + i % t, h.2⟩) else #[]⟩
    else throw s!"gpt.embed: {past + t} tokens are more than {C} positions"
  | s, v, c => throw s!"gpt.embed: 'tokens' has shape {Request.showShape s}, the tables {Request.showShape v} and \
      {Request.showShape c}"

/-- `gpt.tokens`: the rows of the tokens. -/
def tokens : Point := fun α _ _ r => do
  let ids ← r.tensor "tokens"
  match ids.shape, (← r.tensor "token_weight").shape with
  | [b, t], [V, D] =>
    let x ← tokenRow ids V
    let table : Mat V D α := (← r.shaped "token_weight" [V, D]).mat V D
    return ⟨[b, t, D], D, fun i => if h : i < x.size then flatVec table[x[i]] else #[]⟩
  | s, v => throw s!"gpt.tokens: 'tokens' has shape {Request.showShape s}, the table {Request.showShape v}"

/-- `gpt.heads`: queries, keys and values of each head. -/
def heads : Point := fun α _ _ r => do
  let H ← r.int "heads"
  match (← r.tensor "qkv").shape with
  | [b, t, n] =>
    let d := n / (3 * H)
    let y ← r.shaped "qkv" [b, t, 3 * (H * d)]
    let row (i : Nat) : Mat t d α := -- block i is head h of part p of text j
      let x : Mat t (3 * (H * d)) α := y.mat t (3 * (H * d)) (i / H % b * (t * n))
      if h : i % H < H ∧ i / H / b < 3 then headOf ⟨i / H / b, h.2⟩ ⟨i % H, h.1⟩ x
      else build t fun _ => build d fun _ => Scalar.zero
    return ⟨[3, b, H, t, d], t * d, fun i => flatMat (row i)⟩
  | s => throw s!"gpt.heads: 'qkv' has shape {Request.showShape s}, the specification needs three axes"

/-- The two sizes of a table. -/
def tableOf (r : Request) (name : String) : Except String (Nat × Nat) := do
  match (← r.tensor name).shape with
  | [C, n] => return (C, n)
  | s => throw s!"{r.point}: '{name}' has shape {Request.showShape s}, the specification needs two axes"

/-- The recorded rotations at `C` positions, of heads of `d` entries in `e` pairs. -/
def rotationOf (r : Request) (C e d : Nat) : Except String (Rotation C d α) :=
  if even : d = e + e then do
    let c ← r.shaped "cosines" [C, e]
    let s ← r.shaped "sines" [C, e]
    return ⟨e, even, c.mat C e, s.mat C e⟩
  else throw s!"{r.point}: {e} angles do not rotate the {d} entries of a head"

/-- The recorded rotations, which must reach `n` positions. -/
def rotationTo (r : Request) (n d : Nat) : Except String (Turn d α) := do
  let (C, e) ← tableOf r "cosines"
  let rotation : Rotation C d α ← rotationOf r C e d
  if n ≤ C then return rotation.turn
  else throw s!"{r.point}: {n} tokens are more than {C} positions"

/-- `gpt.rotate`. -/
def rotate : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  let past ← r.int "past"
  match x.shape with
  | [b, h, t, d] =>
    let turn : Turn d α ← rotationTo r (past + t) d
    return ⟨[b, h, t, d], t * d, fun i => flatMat (turn.rows past (x.mat t d (i * (t * d))))⟩
  | s => throw s!"gpt.rotate: 'x' has shape {Request.showShape s}, the specification needs four axes"

/-- `gpt.angles`: the tables of rotary positions. -/
def angles (read : {α : Type} → α × α → α) : Point := fun α _ _ r => do
  let C ← r.int "context"
  let e ← r.int "pairs"
  return ⟨[C, e], e, fun n => flatVec (build e fun i => read (rotaryAngle e n i.1) : Vector α e)⟩

/-- `gpt.append`. -/
def append : Point := fun α _ _ r => do
  match (← r.tensor "past").shape, (← r.tensor "now").shape with
  | [b, h, p, d], [_, _, t, _] =>
    let x ← r.shaped "past" [b, h, p, d]
    let y ← r.shaped "now" [b, h, t, d]
    return ⟨[b, h, p + t, d], (p + t) * d, fun i =>
      flatMat (followedBy (x.mat p d (i * (p * d)) : Mat p d α) (y.mat t d (i * (t * d))))⟩
  | s, t => throw s!"gpt.append: 'past' has shape {Request.showShape s} and 'now' {Request.showShape t}"

/-- How many tokens came before, from the numbers of queries and of keys. -/
def before (r : Request) (queries keys : Nat) : Except String Nat :=
  if queries ≤ keys then .ok (keys - queries)
  else .error s!"{r.point}: {queries} queries can't follow each other among {keys} keys"

/-- `gpt.weights`. -/
def weights : Point := fun α _ _ r => do
  let x ← r.tensor "scores"
  match x.shape with
  | [_, _, t, s] =>
    let past ← before r t s
    return ⟨x.shape, s, fun i =>
      let n := past + i % t + 1
      if h : n ≤ s then flatVec (softmaxFirst n h (x.vec s (i * s) : Vector α s)) else #[]⟩
  | s => throw s!"gpt.weights: 'scores' has shape {Request.showShape s}, the specification needs four axes"

/-- `gpt.attend`. -/
def attend : Point := fun α _ _ r => do
  match (← r.tensor "q").shape, (← r.tensor "k").shape with
  | [b, h, t, d], [_, _, s, _] =>
    let q ← r.tensor "q"
    let k ← r.shaped "k" [b, h, s, d]
    let v ← r.shaped "v" [b, h, s, d]
    let past ← before r t s
    let n := past + t
    return ⟨[b, h, t, d], t * d, fun i =>
      flatMat (causalAttend (q.mat t d (i * (t * d))) (k.mat n d (i * (s * d))) (v.mat n d (i * (s * d))) : Mat t d α)⟩
  | s, t => throw s!"gpt.attend: 'q' has shape {Request.showShape s} and 'k' {Request.showShape t}"

/-- `gpt.merge`: the heads side by side. -/
def merge : Point := fun α _ _ r => do
  let z ← r.tensor "z"
  match z.shape with
  | [b, h, t, d] =>
    return ⟨[b, t, h * d], t * (h * d), fun i =>
      flatMat (concatHeads (build h fun j => z.mat t d ((i * h + j.1) * (t * d)) : Vector (Mat t d α) h))⟩
  | s => throw s!"gpt.merge: 'z' has shape {Request.showShape s}, the specification needs four axes"

/-- Which GELU a call has. -/
def activation (r : Request) : Except String Activation := do
  match ← r.int "tanh" with
  | 0 => return .erf
  | 1 => return .tanh
  | n => throw s!"{r.point}: 'tanh' is {n}, not 0 or 1"

/-- The weights of a block, from recorded parameters whose names begin with `at_`. -/
def blockOf (r : Request) (at_ : String) (D M : Nat) : Except String (ViT.Block D M α) := do
  let vec (name : String) (n : Nat) : Except String (Vector α n) := do
    return (← r.shaped (at_ ++ name) [n]).vec n
  let mat (name : String) (m n : Nat) : Except String (Mat m n α) := do
    return (← r.shaped (at_ ++ name) [m, n]).mat m n
  return {
    norm1 := ⟨← vec "norm1_weight" D, ← vec "norm1_bias" D⟩
    attention := ⟨← mat "qkv_weight" (3 * D) D, ← vec "qkv_bias" (3 * D), ← mat "proj_weight" D D, ← vec "proj_bias" D⟩
    norm2 := ⟨← vec "norm2_weight" D, ← vec "norm2_bias" D⟩
    fc1W := ← mat "fc1_weight" M D, fc1B := ← vec "fc1_bias" M
    fc2W := ← mat "fc2_weight" D M, fc2B := ← vec "fc2_bias" D }

/-- What positions do to the queries and keys of a call, for `n` tokens and heads of `d` entries. -/
def turnOf (r : Request) (n d : Nat) : Except String (Turn d α) :=
  if r.has "cosines" then rotationTo r n d else return .still

/-- `gpt.block`: the shape of an output, and its entries from the output and the cache of one text. -/
def block (read : {H P T d : Nat} → {α : Type} → Mat T (H * d) α × Cache H (P + T) d α → Array α)
    (shape : (b H P T d : Nat) → List Nat × Nat) : Point := fun α _ _ r => do
  let a ← activation r
  let eps ← r.shaped "eps" []
  let hidden := (← r.tensor "fc1_bias").bits.size
  match (← r.tensor "x").shape, (← r.tensor "k").shape with
  | [b, T, _], [_, H, P, d] =>
    let x ← r.shaped "x" [b, T, H * d]
    let k ← r.shaped "k" [b, H, P, d]
    let v ← r.shaped "v" [b, H, P, d]
    let turn : Turn d α ← turnOf r (P + T) d
    let p : ViT.Block (H * d) hidden α ← blockOf r "" (H * d) hidden
    let kept (u : Tensor) (i : Nat) : Vector (Mat P d α) H := build H fun h => u.mat P d ((i * H + h.1) * (P * d))
    let (out, size) := shape b H P T d
    return ⟨out, size, fun i =>
      read (Spec.GPT.block turn a (eps.entry 0) p ⟨kept k i, kept v i⟩ (x.mat T (H * d) (i * (T * (H * d)))))⟩
  | s, t => throw s!"gpt.block: 'x' has shape {Request.showShape s} and 'k' {Request.showShape t}"

/-- `gpt.block.y`: the output. -/
def blockY : Point := block (fun out => flatMat out.1) fun b H _ T d => ([b, T, H * d], T * (H * d))

/-- Keys or values of every head, as entries. -/
def flatHeads {H S d : Nat} (x : Vector (Mat S d α) H) : Array α := flatMats (entries H fun h => x[h])

/-- The shape of the keys or values so far, and how many entries are one text's. -/
def cacheShape (b H P T d : Nat) : List Nat × Nat := ([b, H, P + T, d], H * ((P + T) * d))

/-- `gpt.block.k`: the keys so far. -/
def blockK : Point := block (fun out => flatHeads out.2.k) cacheShape

/-- `gpt.block.v`: the values so far. -/
def blockV : Point := block (fun out => flatHeads out.2.v) cacheShape

/-- The loop of `blocksOf`. -/
def blocksLoop (r : Request) (D M : Nat) : (i : Nat) → List (ViT.Block D M α) → Except String (List (ViT.Block D M α))
  | 0, acc => .ok acc
  | i + 1, acc => do blocksLoop r D M i ((← blockOf r s!"blocks.{i}." D M) :: acc)

/-- The positions of a call, whose table has the sizes `C` and `n`. -/
def positionsOf (r : Request) (C n H d : Nat) : Except String (Positions C H d α) :=
  if r.has "cosines" then do
    let rotation : Rotation C d α ← rotationOf r C n d
    return .rotary rotation
  else do
    let table ← r.shaped "position_weight" [C, H * d]
    return .learned (table.mat C (H * d))

/-- `gpt.logits` and `gpt.decode`: the logits after each token of a text. -/
def logits : Point := fun α _ _ r => do
  let a ← activation r
  let eps ← r.shaped "eps" []
  let H ← r.int "heads"
  let ids ← r.tensor "tokens"
  let hidden := (← r.tensor "blocks.0.fc1_bias").bits.size
  let depth ← r.int "depth"
  let (C, places) ← tableOf r (if r.has "cosines" then "cosines" else "position_weight")
  match ids.shape, (← r.tensor "token_weight").shape with
  | [b, T], [V, n] =>
    let d := n / H
    let D := H * d
    let x ← tokenRow ids V
    let p : Params V C H d hidden α := {
      tokens := (← r.shaped "token_weight" [V, D]).mat V D
      positions := ← positionsOf r C places H d
      blocks := ← blocksLoop r D hidden depth []
      norm := ⟨(← r.shaped "norm_weight" [D]).vec D, (← r.shaped "norm_bias" [D]).vec D⟩
      head := (← r.shaped "head_weight" [V, D]).mat V D }
    if h : T ≤ C then
      return ⟨[b, T, V], T * V, fun i =>
        if hx : (i + 1) * T ≤ x.size then
          let text : Vector (Fin V) T := build T fun t =>
            x[i * T + t.1]'(by have := t.2; rw [Nat.succ_mul] at hx; omega)
          flatMat (Spec.GPT.logits a (eps.entry 0) p text h)
        else #[]⟩
    else throw s!"{r.point}: {T} tokens are more than {C} positions"
  | s, v => throw s!"{r.point}: 'tokens' has shape {Request.showShape s}, the table {Request.showShape v}"

/-- The spec points of GPT. -/
def points : List (String × Point) :=
  [("gpt.angles.cosines", angles fun p => p.1), ("gpt.angles.sines", angles fun p => p.2), ("gpt.embed", embed),
   ("gpt.tokens", tokens), ("gpt.norm", ViT.norm), ("gpt.qkv", linearLayer), ("gpt.heads", heads), ("gpt.rotate", rotate),
   ("gpt.append", append),
   ("gpt.scores", ViT.scores), ("gpt.weights", weights), ("gpt.mix", ViT.mix), ("gpt.attend", attend),
   ("gpt.merge", merge), ("gpt.proj", linearLayer), ("gpt.add", perPair fun x y => x + y), ("gpt.fc1", linearLayer),
   ("gpt.gelu", perEntry Scalar.gelu), ("gpt.gelu_tanh", perEntry geluTanh), ("gpt.fc2", linearLayer),
   ("gpt.block.y", blockY), ("gpt.block.k", blockK), ("gpt.block.v", blockV),
   ("gpt.head", linearLayer), ("gpt.logits", logits), ("gpt.decode", logits)]

/-- The loop of `configs`. -/
def configsLoop (xs : Array Lean.Json) : (i : Nat) → List Config → Except String (List Config)
  | 0, acc => .ok acc
  | i + 1, acc => do
    let name ← (xs.getD i Lean.Json.null).getStr?
    match Request.lookup name Config.standard with
    | some c => configsLoop xs i (c :: acc)
    | none => throw s!"no published GPT is called '{name}'"

/-- The networks of a request: published ones by their names, or one by its sizes vocabulary, context, width, depth, heads,
1 if its head is tied or else 0, and 1 if its positions are rotary or else 0. -/
def configs (j : Lean.Json) : Except String (List Config) := do
  match Request.field j "names" with
  | .ok names => let xs ← names.getArr?; configsLoop xs xs.size []
  | .error _ =>
    match ← Request.nats (← Request.field j "sizes") with
    | [vocab, context, width, depth, heads, tied, rotary] =>
      let c : Config := ⟨vocab, context, width, depth, heads, tied == 1, rotary == 1⟩
      if c.WellFormed then return [c]
      else throw "the sizes of the GPT are not well formed"
    | sizes => throw s!"a GPT has seven sizes, not {Request.showShape sizes}"

/-- `gpt.parameters`: the number of parameters of each network. -/
def parameters : Fact := fun j => do return (← configs j).map fun c => c.paramCount

/-- The nearest natural number to `2⁸⁰ (1 + k / 2¹⁹²)`. -/
def digits (k : Int) : Nat := ((k + Fixed.one + (Int.ofNat 1 <<< 111)) >>> 112).toNat

/-- The loop of `rotations`. -/
def rotationsLoop (e n : Nat) : (i : Nat) → List Nat → List Nat
  | 0, acc => acc
  | i + 1, acc =>
    let (c, s) := Fixed.circle (Fixed.angle e n i)
    rotationsLoop e n i (digits c :: digits s :: acc)

/-- `gpt.rotations`: cosine and sine of the angles of position `n` for so many pairs, with 1 added, in units of `2⁻⁸⁰`. -/
def rotations : Fact := fun j => do
  match ← Request.nats (← Request.field j "sizes") with
  | [e, n] => return rotationsLoop e n e []
  | sizes => throw s!"a number of pairs and a position are expected, not {Request.showShape sizes}"

/-- The structural facts of GPT. -/
def facts : List (String × Fact) := [("gpt.parameters", parameters), ("gpt.rotations", rotations)]

end Spec.Check.GPT
