module
public import Spec.Layer.Attention

/-!
# Online softmax

Attention computed block of keys by block of keys, with the largest score so far as the reference of the exponentials
(Milakov and Gimelshein, arXiv 1805.02867; FlashAttention: Dao et al., arXiv 2205.14135). A key is its score and its
value of `d` entries.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {d : Nat}

/-- What is kept of a set of keys. -/
structure SoftmaxPart (d : Nat) (α : Type) where
  /-- The reference that is subtracted from the scores: the largest of them. -/
  top : α
  /-- `Σ exp(xₛ - top)`. -/
  sum : α
  /-- `Σ exp(xₛ - top) vₛ`. -/
  acc : Vector α d

namespace SoftmaxPart

/-- The summary of one block of keys. -/
def ofBlock (keys : List (α × Vector α d)) : SoftmaxPart d α :=
  let top := largest (keys.map fun k => k.1)
  ⟨top, Scalar.sum (keys.map fun k => exp (k.1 - top)),
    build d fun j => dot (keys.map fun k => (exp (k.1 - top), k.2[j]))⟩

/-- The summary of the keys of two summaries: each is rescaled from its own reference to the common one. -/
def merge (a b : SoftmaxPart d α) : SoftmaxPart d α :=
  let top := max a.top b.top
  let p := exp (a.top - top)
  let q := exp (b.top - top)
  ⟨top, a.sum * p + b.sum * q, build d fun j => a.acc[j] * p + b.acc[j] * q⟩

/-- The attention's output, once all keys are in. -/
def finish (s : SoftmaxPart d α) : Vector α d := mapVec (fun x => ratio x s.sum) s.acc

end SoftmaxPart

/-- A split of the keys into blocks, and the order in which the blocks are merged. -/
inductive KeyTree (d : Nat) (α : Type) where
  /-- One block. -/
  | block (keys : List (α × Vector α d))
  /-- The keys on the left merged with those on the right. -/
  | node (left right : KeyTree d α)

namespace KeyTree

/-- All keys, from left to right. -/
def keys : KeyTree d α → List (α × Vector α d)
  | block ks => ks
  | node l r => l.keys ++ r.keys

/-- The summary of all keys, merged in the tree's order. -/
def summary : KeyTree d α → SoftmaxPart d α
  | block ks => .ofBlock ks
  | node l r => l.summary.merge r.summary

end KeyTree
end Spec
