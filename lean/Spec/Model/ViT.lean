module
public import Spec.Layer.Attention

/-!
# Vision transformer

Dosovitskiy et al., arXiv 2010.11929; the sizes Ti and S are those of Touvron et al., arXiv 2012.12877.
-/

@[expose] public noncomputable section
namespace Spec.ViT
open Scalar

/-- The sizes of a vision transformer. -/
structure Config where
  /-- Size of a token. -/
  width : Nat
  /-- Number of blocks. -/
  depth : Nat
  /-- Attention heads of a block. -/
  heads : Nat
  /-- Side of a patch. -/
  patch : Nat := 16
  /-- Rows of the image. -/
  imageHeight : Nat := 224
  /-- Columns of the image. -/
  imageWidth : Nat := 224
  /-- Channels of the image. -/
  channels : Nat := 3
  /-- Classes to tell apart. -/
  classes : Nat := 1000
  /-- Hidden size of a block's perceptron, in widths. -/
  mlp : Nat := 4

namespace Config

/-- All sizes are positive, the patch divides both sides of the image, and the heads divide the width. -/
abbrev WellFormed (c : Config) : Prop :=
  0 < c.width ∧ 0 < c.depth ∧ 0 < c.heads ∧ 0 < c.patch ∧ 0 < c.imageHeight ∧ 0 < c.imageWidth ∧
  0 < c.channels ∧ 0 < c.classes ∧ 0 < c.mlp ∧
  c.imageHeight % c.patch = 0 ∧ c.imageWidth % c.patch = 0 ∧ c.width % c.heads = 0

/-- Patches of an image. -/
def patches (c : Config) : Nat := c.imageHeight / c.patch * (c.imageWidth / c.patch)

/-- Patches and the class token. -/
def tokens (c : Config) : Nat := c.patches + 1

/-- The sizes of the published networks, at patches of 16 and of 14: 224 × 224 pixels, 1000 classes. -/
def standard : List (String × Config) :=
  [("ViT-Ti/16", { width := 192, depth := 12, heads := 3 }),
   ("ViT-Ti/14", { width := 192, depth := 12, heads := 3, patch := 14 }),
   ("ViT-S/16", { width := 384, depth := 12, heads := 6 }),
   ("ViT-S/14", { width := 384, depth := 12, heads := 6, patch := 14 }),
   ("ViT-B/16", { width := 768, depth := 12, heads := 12 }),
   ("ViT-B/14", { width := 768, depth := 12, heads := 12, patch := 14 }),
   ("ViT-L/16", { width := 1024, depth := 24, heads := 16 }),
   ("ViT-L/14", { width := 1024, depth := 24, heads := 16, patch := 14 }),
   ("ViT-H/16", { width := 1280, depth := 32, heads := 16 }),
   ("ViT-H/14", { width := 1280, depth := 32, heads := 16, patch := 14 })]

end Config

variable {α : Type} [Scalar α] {D T M N K : Nat}

/-- The weight and the bias of a layer normalization. -/
structure Norm (D : Nat) (α : Type) where
  /-- Multiplies the normalized entries. -/
  weight : Vector α D
  /-- Is added last. -/
  bias : Vector α D

/-- The weights of an encoder block with a perceptron of `M` hidden units. -/
structure Block (D M : Nat) (α : Type) where
  /-- Normalization before the attention. -/
  norm1 : Norm D α
  /-- Self-attention. -/
  attention : AttentionParams D α
  /-- Normalization before the perceptron. -/
  norm2 : Norm D α
  /-- First layer of the perceptron. -/
  fc1W : Mat M D α
  /-- Its bias. -/
  fc1B : Vector α M
  /-- Second layer of the perceptron. -/
  fc2W : Mat D M α
  /-- Its bias. -/
  fc2B : Vector α D

/-- The number of parameters of a block: a term for each field of `Block`, in the same order. -/
def Block.count (D M : Nat) : Nat :=
  (D + D) + AttentionParams.count D + (D + D) + M * D + M + D * M + D

/-- The weights of a network with `N` patches of `P` entries and `K` classes. -/
structure Params (N P D M K : Nat) (α : Type) where
  /-- Projection of the patches. -/
  embedW : Mat D P α
  /-- Its bias. -/
  embedB : Vector α D
  /-- The class token. -/
  cls : Vector α D
  /-- What is added to each token for its position. -/
  pos : Mat (N + 1) D α
  /-- The blocks, first one first. -/
  blocks : List (Block D M α)
  /-- Normalization after the blocks. -/
  norm : Norm D α
  /-- The classifier of the class token. -/
  headW : Mat K D α
  /-- Its bias. -/
  headB : Vector α K

/-- The number of parameters of a network: a term for each field of `Params`, in the same order. -/
def Config.paramCount (c : Config) : Nat :=
  let D := c.width
  D * (c.channels * (c.patch * c.patch)) + D + D + c.tokens * D + c.depth * Block.count D (c.mlp * D)
    + (D + D) + c.classes * D + c.classes

/-- The class token first, then the patches; the positions are added (equation 1). -/
def tokensOf (cls : Vector α D) (pos : Mat (N + 1) D α) (x : Mat N D α) : Mat (N + 1) D α :=
  build (N + 1) fun t => add (if h : t.1 = 0 then cls else x[t.1 - 1]) pos[t]

/-- `Norm` applied to every token. -/
def Norm.apply (p : Norm D α) (eps : α) (x : Mat T D α) : Mat T D α :=
  mapVec (layerNorm p.weight p.bias eps) x

/-- The perceptron of a block, for one token. -/
def perceptron (p : Block D M α) (x : Vector α D) : Vector α D :=
  linearBias p.fc2W p.fc2B (mapVec (fun v => gelu v) (linearBias p.fc1W p.fc1B x))

/-- Entrywise sum of matrices. -/
def addRows (x y : Mat T D α) : Mat T D α := build T fun t => add x[t] y[t]

/-- A block that normalizes before the attention and before the perceptron (equations 2 and 3). -/
def block {H d : Nat} (eps : α) (p : Block (H * d) M α) (x : Mat T (H * d) α) : Mat T (H * d) α :=
  let y := addRows x (attention p.attention (p.norm1.apply eps x))
  addRows y (mapVec (perceptron p) (p.norm2.apply eps y))

/-- The logits of an image, from its class token after the last block (equation 4). -/
def logits {c gh gw side H d : Nat} (eps : α) (p : Params (gh * gw) (c * (side * side)) (H * d) M K α)
    (x : Image c (gh * side) (gw * side) α) : Vector α K :=
  let tokens := tokensOf p.cls p.pos (mapVec (linearBias p.embedW p.embedB) (patchify side x))
  let y := p.blocks.foldl (fun y b => block eps b y) tokens
  linearBias p.headW p.headB (layerNorm p.norm.weight p.norm.bias eps y[0])

end Spec.ViT
