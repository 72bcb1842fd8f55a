module
public import Spec.Layer.Causal
public import Spec.Layer.Embedding
public import Spec.Layer.Gelu
public import Spec.Model.ViT

/-!
# GPT

The decoder of Radford et al., "Language Models are Unsupervised Multitask Learners" (GPT-2), whose block is that of the
vision transformer with causal attention. Sizes: `V` tokens in the vocabulary, `C` positions, `D` width, `H` heads of `d`
entries, `P` tokens before, `T` tokens now.
-/

@[expose] public noncomputable section
namespace Spec.GPT
open Scalar Spec.ViT

/-- The sizes of a GPT. -/
structure Config where
  /-- Tokens in the vocabulary. -/
  vocab : Nat
  /-- The most tokens that the model sees at once. -/
  context : Nat
  /-- Size of an embedded token. -/
  width : Nat
  /-- Number of blocks. -/
  depth : Nat
  /-- Attention heads of a block. -/
  heads : Nat
  /-- Whether the head is the embedding of the tokens. -/
  tied : Bool

namespace Config

/-- All sizes are positive, and the heads divide the width. -/
abbrev WellFormed (c : Config) : Prop :=
  0 < c.vocab ∧ 0 < c.context ∧ 0 < c.width ∧ 0 < c.depth ∧ 0 < c.heads ∧ c.width % c.heads = 0

/-- The sizes of the published networks. -/
def standard : List (String × Config) :=
  [("GPT-2", ⟨50257, 1024, 768, 12, 12, true⟩),
   ("GPT-2 medium", ⟨50257, 1024, 1024, 24, 16, true⟩),
   ("GPT-2 large", ⟨50257, 1024, 1280, 36, 20, true⟩),
   ("GPT-2 XL", ⟨50257, 1024, 1600, 48, 25, true⟩)]

/-- The number of parameters: of the embeddings, of the blocks, of the last norm, and of a head of its own. -/
def paramCount (c : Config) : Nat :=
  c.vocab * c.width + c.context * c.width + c.depth * Block.count c.width (4 * c.width) + (c.width + c.width)
    + (if c.tied then 0 else c.vocab * c.width)

end Config

/-- The two forms of GELU. -/
inductive Activation where
  /-- By the error function, exactly. -/
  | erf
  /-- By the hyperbolic tangent, as in GPT-2. -/
  | tanh
deriving DecidableEq

variable {α : Type} [Scalar α] {V C D M H d P T : Nat}

/-- GELU in either form. -/
def Activation.apply (a : Activation) (x : α) : α :=
  match a with
  | .erf => gelu x
  | .tanh => geluTanh x

/-- The weights of a network. -/
structure Params (V C D M : Nat) (α : Type) where
  /-- Embeddings of the tokens. -/
  tokens : Mat V D α
  /-- Embeddings of the positions. -/
  positions : Mat C D α
  /-- The blocks, first one first. -/
  blocks : List (Block D M α)
  /-- Normalization after the blocks. -/
  norm : Norm D α
  /-- The head, which has no bias. -/
  head : Mat V D α

/-- The perceptron of a block, for one token. -/
def perceptron (a : Activation) (p : Block D M α) (x : Vector α D) : Vector α D :=
  linearBias p.fc2W p.fc2B (mapVec (fun v => a.apply v) (linearBias p.fc1W p.fc1B x))

/-- A block on `T` tokens after those of the cache: it normalizes before the attention and before the perceptron. -/
def block (a : Activation) (eps : α) (p : Block (H * d) M α) (c : Cache H P d α) (x : Mat T (H * d) α) :
    Mat T (H * d) α × Cache H (P + T) d α :=
  let (y, next) := causalAttention p.attention c (p.norm1.apply eps x)
  let y := addRows x y
  (addRows y (mapVec (perceptron a p) (p.norm2.apply eps y)), next)

/-- The blocks one after the other, each with its cache. -/
def stack (a : Activation) (eps : α) : List (Block (H * d) M α) → List (Cache H P d α) → Mat T (H * d) α →
    Mat T (H * d) α × List (Cache H (P + T) d α)
  | p :: blocks, c :: caches, x =>
    let (y, next) := block a eps p c x
    let (z, others) := stack a eps blocks caches y
    (z, next :: others)
  | _, _, x => (x, [])

/-- The logits of the next token, from the last block's output for a token. -/
def logitsAt (eps : α) (p : Params V C D M α) (x : Vector α D) : Vector α V :=
  linear p.head (layerNorm p.norm.weight p.norm.bias eps x)

/-- `T` tokens after those of the caches: the logits after each, and the new caches. -/
def forward (a : Activation) (eps : α) (p : Params V C (H * d) M α) (caches : List (Cache H P d α))
    (x : Vector (Fin V) T) (h : P + T ≤ C) : Mat T V α × List (Cache H (P + T) d α) :=
  let (y, next) := stack a eps p.blocks caches (embed p.tokens p.positions P x h)
  (mapVec (logitsAt eps p) y, next)

/-- The logits after each of `T` tokens, the first ones of a text. -/
def logits (a : Activation) (eps : α) (p : Params V C (H * d) M α) (x : Vector (Fin V) T) (h : T ≤ C) : Mat T V α :=
  (forward (P := 0) a eps p (p.blocks.map fun _ => Cache.empty) x (by omega)).1

end Spec.GPT
