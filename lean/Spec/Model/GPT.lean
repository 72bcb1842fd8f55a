module
public import Spec.Layer.Causal
public import Spec.Layer.Embedding
public import Spec.Layer.Gelu
public import Spec.Model.ViT

/-!
# GPT

The decoder of Radford et al., "Language Models are Unsupervised Multitask Learners" (GPT-2), whose block is that of the
vision transformer with causal attention. Its positions are learned, or rotary. Sizes: `V` tokens in the vocabulary, `C`
positions, `D` width, `H` heads of `d` entries, `P` tokens before, `T` tokens now.
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
  /-- Whether the positions are rotary. -/
  rotary : Bool := false

namespace Config

/-- All sizes are positive, the heads divide the width, and a head that is rotated has pairs alone. -/
abbrev WellFormed (c : Config) : Prop :=
  0 < c.vocab ∧ 0 < c.context ∧ 0 < c.width ∧ 0 < c.depth ∧ 0 < c.heads ∧ c.width % c.heads = 0 ∧
    (c.rotary → c.width / c.heads % 2 = 0)

/-- The sizes of the published networks. -/
def standard : List (String × Config) :=
  [("GPT-2", ⟨50257, 1024, 768, 12, 12, true, false⟩),
   ("GPT-2 medium", ⟨50257, 1024, 1024, 24, 16, true, false⟩),
   ("GPT-2 large", ⟨50257, 1024, 1280, 36, 20, true, false⟩),
   ("GPT-2 XL", ⟨50257, 1024, 1600, 48, 25, true, false⟩)]

/-- The number of parameters: of the embeddings, of the blocks, of the last norm, and of a head of its own. -/
def paramCount (c : Config) : Nat :=
  c.vocab * c.width + (if c.rotary then 0 else c.context * c.width) + c.depth * Block.count c.width (4 * c.width) + (c.width + c.width)
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

/-- How the network knows the order of the tokens. -/
inductive Positions (C H d : Nat) (α : Type) where
  /-- Each position has an embedding, which is added to the token's. -/
  | learned (table : Mat C (H * d) α)
  /-- Each position rotates the queries and keys of every head. -/
  | rotary (rotation : Rotation C d α)

namespace Positions

/-- The embeddings of tokens that follow `past` others. -/
def embed (p : Positions C H d α) (tokens : Mat V (H * d) α) (past : Nat) (x : Vector (Fin V) T) (h : past + T ≤ C) :
    Mat T (H * d) α :=
  match p with
  | .learned table => Spec.embed tokens table past x h
  | .rotary _ => mapVec (fun token => tokens[token]) x

/-- What they do to queries and keys. -/
def turn : Positions C H d α → Turn d α
  | .learned _ => .still
  | .rotary rotation => rotation.turn

end Positions

/-- The weights of a network, and the tables of its rotations if it has them. -/
structure Params (V C H d M : Nat) (α : Type) where
  /-- Embeddings of the tokens. -/
  tokens : Mat V (H * d) α
  /-- The positions. -/
  positions : Positions C H d α
  /-- The blocks, first one first. -/
  blocks : List (Block (H * d) M α)
  /-- Normalization after the blocks. -/
  norm : Norm (H * d) α
  /-- The head, which has no bias. -/
  head : Mat V (H * d) α

/-- The perceptron of a block, for one token. -/
def perceptron (a : Activation) (p : Block D M α) (x : Vector α D) : Vector α D :=
  linearBias p.fc2W p.fc2B (mapVec (fun v => a.apply v) (linearBias p.fc1W p.fc1B x))

/-- A block on `T` tokens after those of the cache: it normalizes before the attention and before the perceptron. -/
def block (turn : Turn d α) (a : Activation) (eps : α) (p : Block (H * d) M α) (c : Cache H P d α) (x : Mat T (H * d) α) :
    Mat T (H * d) α × Cache H (P + T) d α :=
  let (y, next) := causalAttention turn p.attention c (p.norm1.apply eps x)
  let y := addRows x y
  (addRows y (mapVec (perceptron a p) (p.norm2.apply eps y)), next)

/-- The blocks one after the other, each with its cache. -/
def stack (turn : Turn d α) (a : Activation) (eps : α) : List (Block (H * d) M α) → List (Cache H P d α) → Mat T (H * d) α →
    Mat T (H * d) α × List (Cache H (P + T) d α)
  | p :: blocks, c :: caches, x =>
    let (y, next) := block turn a eps p c x
    let (z, others) := stack turn a eps blocks caches y
    (z, next :: others)
  | _, _, x => (x, [])

/-- The logits of the next token, from the last block's output for a token. -/
def logitsAt (eps : α) (p : Params V C H d M α) (x : Vector α (H * d)) : Vector α V :=
  linear p.head (layerNorm p.norm.weight p.norm.bias eps x)

/-- `T` tokens after those of the caches: the logits after each, and the new caches. -/
def forward (a : Activation) (eps : α) (p : Params V C H d M α) (caches : List (Cache H P d α))
    (x : Vector (Fin V) T) (h : P + T ≤ C) : Mat T V α × List (Cache H (P + T) d α) :=
  let (y, next) := stack p.positions.turn a eps p.blocks caches (p.positions.embed p.tokens P x h)
  (mapVec (logitsAt eps p) y, next)

/-- The logits after each of `T` tokens, the first ones of a text. -/
def logits (a : Activation) (eps : α) (p : Params V C H d M α) (x : Vector (Fin V) T) (h : T ≤ C) : Mat T V α :=
  (forward (P := 0) a eps p (p.blocks.map fun _ => Cache.empty) x (by omega)).1

end Spec.GPT
