module
public import Spec.Layer.Linear
public import Spec.Layer.LayerNorm
public import Spec.Layer.Patch

/-!
# Multi-head attention

Vaswani et al., arXiv 1706.03762, section 3.2. Sizes: `T` queries, `S` keys, `H` heads of `d` entries each.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {T S H d n : Nat}

/-- `q · kₛ / √d` for every key. Kernels scale the sum or the query, by a division or by a product. -/
def scoreRow (q : Vector α d) (k : Mat S d α) : Vector α S :=
  let root := sqrt (int (Int.ofNat d))
  let scaled := mapVec (fun x => ratio x root) q
  build S fun s => either (ratio (inner q k[s]) root) (inner scaled k[s])

/-- `q kᵀ / √d`. -/
def scores (q : Mat T d α) (k : Mat S d α) : Mat T S α := mapVec (fun r => scoreRow r k) q

/-- The largest entry; 0 if there is none. -/
def largest : List α → α
  | [] => zero
  | x :: xs => xs.foldl (fun a b => max a b) x

/-- `exp(xᵢ) / Σⱼ exp(xⱼ)`, with the largest entry subtracted first. -/
def softmax (x : Vector α n) : Vector α n :=
  let top := largest (entries n fun i => x[i])
  let e := build n fun i => exp (x[i] - top)
  let s := sum (entries n fun i => e[i])
  build n fun i => ratio e[i] s

/-- `Σₛ w[s] v[s]`. -/
def mixRow (w : Vector α S) (v : Mat S d α) : Vector α d :=
  build d fun j => inner w (build S fun s => v[s][j])

/-- Weighted sums of the values, one for each query. -/
def mix (w : Mat T S α) (v : Mat S d α) : Mat T d α := mapVec (fun r => mixRow r v) w

/-- Scaled dot-product attention, `softmax(q kᵀ / √d) v` (equation 1). -/
def attend (q : Mat T d α) (k v : Mat S d α) : Mat T d α := mix (mapVec softmax (scores q k)) v

/-- Head `h` of part `i` (0 queries, 1 keys, 2 values) of the projected tokens. -/
def headOf (i : Fin 3) (h : Fin H) (y : Mat T (3 * (H * d)) α) : Mat T d α :=
  build T fun t => build d fun j => y[t][join i (join h j)]

/-- The heads side by side. -/
def concatHeads (z : Vector (Mat T d α) H) : Mat T (H * d) α :=
  build T fun t => build (H * d) fun k => z[rowOf k][t][colOf k]

/-- The weights of multi-head self-attention. -/
structure AttentionParams (D : Nat) (α : Type) where
  /-- Projections to queries, keys and values, in this order. -/
  qkvW : Mat (3 * D) D α
  /-- Their bias. -/
  qkvB : Vector α (3 * D)
  /-- Output projection. -/
  projW : Mat D D α
  /-- Its bias. -/
  projB : Vector α D

/-- The number of parameters: a term for each field of `AttentionParams`, in the same order. -/
def AttentionParams.count (D : Nat) : Nat := 3 * D * D + 3 * D + D * D + D

/-- Multi-head self-attention. -/
def attention (p : AttentionParams (H * d) α) (x : Mat T (H * d) α) : Mat T (H * d) α :=
  let y := mapVec (linearBias p.qkvW p.qkvB) x
  let z := build H fun h => attend (headOf 0 h y) (headOf 1 h y) (headOf 2 h y)
  mapVec (linearBias p.projW p.projB) (concatHeads z)

end Spec
