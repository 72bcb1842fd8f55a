module
public import Spec.Layer.Attention
public import Spec.Layer.Rotary

/-!
# Causal attention

Attention in which a token sees itself and the tokens before it (Vaswani et al., arXiv 1706.03762, section 3.2.3), with
the keys and values of `P` earlier tokens kept. A later key is left out of the softmax, which is what a score of -∞
does to it. Sizes: `P` tokens before, `T` tokens now, `H` heads of `d` entries.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α β : Type} [Scalar α] {P T S H d n : Nat}

/-- The first `n` entries. -/
def firstOf (n : Nat) (h : n ≤ S) (x : Vector β S) : Vector β n := build n fun i => x[i.1]

/-- The entries of `x`, then those of `y`. -/
def followedBy (x : Vector β P) (y : Vector β T) : Vector β (P + T) :=
  build (P + T) fun i => if h : i.1 < P then x[i.1] else y[i.1 - P]

/-- How many keys token `t` sees: those of the `P` tokens before, and those of the tokens now up to its own. -/
@[inline] def seen (P : Nat) (t : Fin T) : Nat := P + t.1 + 1

theorem seen_le (P : Nat) (t : Fin T) : seen P t ≤ P + T := by have := t.2; unfold seen; omega

/-- The attention of one query to `S` keys: `softmax(q kᵀ / √d) v`. -/
def attendRow (q : Vector α d) (k v : Mat S d α) : Vector α d := mixRow (softmax (scoreRow q k)) v

/-- Softmax over the first `n` scores, and 0 for the others. -/
def softmaxFirst (n : Nat) (h : n ≤ S) (x : Vector α S) : Vector α S :=
  let w := softmax (firstOf n h x)
  build S fun s => if h : s.1 < n then w[s.1] else zero

/-- The weights of causal attention, from all scores: row `t` is a softmax over the keys that token `t` sees. -/
def causalWeights (x : Mat T (P + T) α) : Mat T (P + T) α :=
  build T fun t => softmaxFirst (seen P t) (seen_le P t) x[t]

/-- Causal attention of the tokens now, whose keys and values come last: token `t` attends to those that it sees. -/
def causalAttend (q : Mat T d α) (k v : Mat (P + T) d α) : Mat T d α :=
  build T fun t => attendRow q[t] (firstOf (seen P t) (seen_le P t) k) (firstOf (seen P t) (seen_le P t) v)

/-- The keys and values of the `P` tokens so far, head by head. -/
structure Cache (H P d : Nat) (α : Type) where
  /-- Keys, turned by their positions. -/
  k : Vector (Mat P d α) H
  /-- Values. -/
  v : Vector (Mat P d α) H

/-- Before the first token. -/
def Cache.empty : Cache H 0 d α := ⟨build H fun _ => #v[], build H fun _ => #v[]⟩

/-- The cache after tokens whose queries, keys and values are `y`. -/
def Cache.push (turn : Turn d α) (c : Cache H P d α) (y : Mat T (3 * (H * d)) α) : Cache H (P + T) d α :=
  ⟨build H fun h => followedBy c.k[h] (turn.rows P (headOf 1 h y)), build H fun h => followedBy c.v[h] (headOf 2 h y)⟩

/-- Causal multi-head self-attention of `T` tokens after those of the cache: their outputs, and the new cache. Each query and each
key is turned by its position, which counts the tokens of the cache. -/
def causalAttention (turn : Turn d α) (p : AttentionParams (H * d) α) (c : Cache H P d α) (x : Mat T (H * d) α) :
    Mat T (H * d) α × Cache H (P + T) d α :=
  let y := mapVec (linearBias p.qkvW p.qkvB) x
  let next := c.push turn y
  let z := build H fun h => causalAttend (turn.rows P (headOf 0 h y)) next.k[h] next.v[h]
  (mapVec (linearBias p.projW p.projB) (concatHeads z), next)

end Spec
