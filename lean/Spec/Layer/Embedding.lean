module
public import Spec.Layer.Linear

/-!
# Embeddings of tokens and positions

Sizes: `V` tokens in the vocabulary, `C` positions, `D` width.
-/

@[expose] public noncomputable section
namespace Spec
variable {α : Type} [Scalar α] {V C D T : Nat}

/-- The embedding of one token: the row of the token and the row of its position. -/
def embedAt (tokens : Mat V D α) (positions : Mat C D α) (token : Fin V) (position : Fin C) : Vector α D :=
  add tokens[token] positions[position]

/-- The embeddings of tokens that follow `past` others. -/
def embed (tokens : Mat V D α) (positions : Mat C D α) (past : Nat) (x : Vector (Fin V) T) (h : past + T ≤ C) :
    Mat T D α :=
  build T fun t => embedAt tokens positions x[t] ⟨past + t.1, by have := t.2; omega⟩

end Spec
