module
public import Spec.Check.Point
public import Spec.Model.ViT

/-!
# Spec points of the vision transformer

Axes: `B` images, `H` heads, `T` queries, `S` keys, `d` entries of a head, `D` width, `N` patches.
-/

@[expose] public noncomputable section
namespace Spec.Check.ViT
open Spec.Point
variable {α : Type} [Scalar α] [Recorded α]

/-- `vit.patchify`. -/
def patchify : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  let p ← r.int "patch"
  match x.shape with
  | [b, c, h, w] =>
    let gh := h / p
    let gw := w / p
    if h = gh * p ∧ w = gw * p then
      let image (i : Nat) : Image c (gh * p) (gw * p) α := x.image _ _ _ (i * (c * (h * w)))
      let n := gh * gw
      let k := c * (p * p)
      return ⟨[b, n, k], n * k, fun i => flatMat (Spec.patchify p (image i))⟩
    else throw s!"vit.patchify: patches of side {p} don't tile an image of {h} by {w}"
  | s => throw s!"vit.patchify: 'x' has shape {Request.showShape s}, the specification needs four axes"

/-- `vit.tokens`. -/
def tokens : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  match x.shape with
  | [b, n, d] =>
    let cls ← r.shaped "cls" [d]
    let pos ← r.shaped "pos" [n + 1, d]
    let t := n + 1
    return ⟨[b, t, d], t * d, fun i =>
      flatMat (Spec.ViT.tokensOf (cls.vec d) (pos.mat t d) (x.mat n d (i * (n * d))) : Mat t d α)⟩
  | s => throw s!"vit.tokens: 'x' has shape {Request.showShape s}, the specification needs three axes"

/-- `vit.norm`. -/
def norm : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  let (_, n) := lastAxis x.shape
  let w ← r.shaped "weight" [n]
  let b ← r.shaped "bias" [n]
  let eps ← r.shaped "eps" []
  return ⟨x.shape, n, fun i =>
    flatVec (layerNorm (w.vec n) (b.vec n) (eps.entry 0) (x.vec n (i * n)) : Vector α n)⟩

/-- `vit.scores`. -/
def scores : Point := fun α _ _ r => do
  let q ← r.tensor "q"
  let k ← r.tensor "k"
  match q.shape, k.shape with
  | [b, h, t, d], [_, _, s, _] =>
    let k ← r.shaped "k" [b, h, s, d]
    return ⟨[b, h, t, s], s, fun i =>
      flatVec (scoreRow (q.vec d (i * d)) (k.mat s d (i / t * (s * d))) : Vector α s)⟩
  | s, t => throw s!"vit.scores: 'q' has shape {Request.showShape s} and 'k' {Request.showShape t}"

/-- `vit.weights`. -/
def weights : Point := fun α _ _ r => do
  let x ← r.tensor "scores"
  let (_, n) := lastAxis x.shape
  return ⟨x.shape, n, fun i => flatVec (softmax (x.vec n (i * n)) : Vector α n)⟩

/-- `vit.mix`. -/
def mix : Point := fun α _ _ r => do
  let w ← r.tensor "weights"
  let v ← r.tensor "v"
  match w.shape, v.shape with
  | [b, h, t, s], [_, _, _, d] =>
    let v ← r.shaped "v" [b, h, s, d]
    return ⟨[b, h, t, d], d, fun i =>
      flatVec (mixRow (w.vec s (i * s)) (v.mat s d (i / t * (s * d))) : Vector α d)⟩
  | s, t => throw s!"vit.mix: 'weights' has shape {Request.showShape s} and 'v' {Request.showShape t}"

/-- The spec points of the vision transformer. -/
def points : List (String × Point) :=
  [("vit.patchify", patchify), ("vit.embed", linearLayer), ("vit.tokens", tokens), ("vit.norm", norm),
   ("vit.qkv", linearLayer), ("vit.scores", scores), ("vit.weights", weights), ("vit.mix", mix),
   ("vit.proj", linearLayer), ("vit.fc1", linearLayer), ("vit.gelu", perEntry Scalar.gelu),
   ("vit.fc2", linearLayer), ("vit.add", perPair fun x y => x + y), ("vit.head", linearLayer)]

/-- The loop of `configs`. -/
def configsLoop (xs : Array Lean.Json) :
    (i : Nat) → List Spec.ViT.Config → Except String (List Spec.ViT.Config)
  | 0, acc => .ok acc
  | i + 1, acc => do
    let name ← (xs.getD i Lean.Json.null).getStr?
    match Request.lookup name Spec.ViT.Config.standard with
    | some c => configsLoop xs i (c :: acc)
    | none => throw s!"no published vision transformer is called '{name}'"

/-- The networks of a request: published ones by their names, or one by its sizes width, depth, heads, patch, rows
and columns of the image, channels, classes, and hidden size of the perceptron in widths. -/
def configs (j : Lean.Json) : Except String (List Spec.ViT.Config) := do
  match Request.field j "names" with
  | .ok names => let xs ← names.getArr?; configsLoop xs xs.size []
  | .error _ =>
    match ← Request.nats (← Request.field j "sizes") with
    | [width, depth, heads, patch, rows, columns, channels, classes, mlp] =>
      let c : Spec.ViT.Config := ⟨width, depth, heads, patch, rows, columns, channels, classes, mlp⟩
      if c.WellFormed then return [c]
      else throw "the sizes of the vision transformer are not well formed"
    | sizes => throw s!"a vision transformer has nine sizes, not {Request.showShape sizes}"

/-- `vit.parameters`: the number of parameters of each network. -/
def parameters : Fact := fun j => do return (← configs j).map fun c => c.paramCount

/-- `vit.token_count`: the number of tokens of each network. -/
def sequence : Fact := fun j => do return (← configs j).map fun c => c.tokens

/-- The structural facts of the vision transformer. -/
def facts : List (String × Fact) := [("vit.parameters", parameters), ("vit.token_count", sequence)]

end Spec.Check.ViT
