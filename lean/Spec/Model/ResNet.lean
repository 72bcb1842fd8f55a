module
public import Spec.Layer.Conv2d
public import Spec.Layer.BatchNorm
public import Spec.Layer.Pool

/-!
# Residual networks

He, Zhang, Ren and Sun, arXiv 1512.03385, in evaluation mode. The residual branch and the shortcut of a block have
one result type, so that a block whose two branches disagree in shape can't be written down.
-/

@[expose] public noncomputable section
namespace Spec

/-- A 3x3 kernel with padding 1 and a 1x1 kernel without padding fit equally often, whatever the size and the
stride: a projection shortcut always has the shape of the residual branch. -/
theorem outSize_projection (size stride : Nat) : outSize size 1 stride 0 = outSize size 3 stride 1 := by
  simp only [outSize]
  rw [show size + 2 * 0 - 1 = size + 2 * 1 - 3 by omega]
  split
  · rfl
  · split <;> split <;> omega

/-- A 3x3 kernel with stride 1 and padding 1 keeps every size. -/
theorem outSize_same (size : Nat) : outSize size 3 1 1 = size := by
  simp only [outSize, Nat.div_one, Nat.one_ne_zero, if_false]
  split <;> omega

namespace ResNet
open Scalar
variable {α : Type} [Scalar α] {c h w k h' w' : Nat}

/-- Entrywise `max x 0`. -/
def reluImage (x : Image c h w α) : Image c h w α :=
  build c fun ch => build h fun i => build w fun j => relu x[ch][i][j]

/-- Entrywise sum. -/
def addImage (x y : Image c h w α) : Image c h w α :=
  build c fun ch => build h fun i => build w fun j => x[ch][i][j] + y[ch][i][j]

/-- An image whose numbers of rows and columns are written in another way. -/
def resize {β : Type} (rows : h = h') (cols : w = w') (x : Image c h w β) : Image c h' w' β :=
  rows ▸ cols ▸ x

/-- A residual block: `relu(F x + S x)` for any branch `F` and shortcut `S` (equations 1 and 2). -/
def residual (f s : Image c h w α → Image k h' w' α) (x : Image c h w α) : Image k h' w' α :=
  reluImage (addImage (f x) (s x))

/-- What a block adds to its residual branch. The identity exists between equal shapes only. -/
inductive Shortcut (α : Type) : (c h w k h' w' : Nat) → Type where
  /-- `x` itself. -/
  | identity {c h w : Nat} : Shortcut α c h w c h w
  /-- A strided 1x1 convolution, normalised (option B of the paper). -/
  | projection {c h w k h' w' : Nat} (stride : Nat) (conv : Vector (Image c 1 1 α) k) (norm : BatchNorm k α)
      (rows : outSize h 1 stride 0 = h') (cols : outSize w 1 stride 0 = w') : Shortcut α c h w k h' w'
  /-- Every `stride`-th row and column, and zeros for the channels that `x` lacks (option A of the paper). -/
  | zeroPad {c h w k h' w' : Nat} (stride : Nat)
      (rows : outSize h 1 stride 0 = h') (cols : outSize w 1 stride 0 = w') : Shortcut α c h w k h' w'

/-- The entry of an image at any indices, zero where it has none. -/
def entryD (x : Image c h w α) (ch i j : Nat) : α :=
  if hc : ch < c then if hi : i < h then if hj : j < w then x[ch][i][j] else zero else zero else zero

/-- The shortcut `S`. -/
def Shortcut.apply (eps : α) : Shortcut α c h w k h' w' → Image c h w α → Image k h' w' α
  | .identity, x => x
  | .projection stride conv norm rows cols, x => batchNorm norm eps (resize rows cols (conv2d conv x stride 0))
  | .zeroPad stride _ _, x => build _ fun ch => build _ fun i => build _ fun j =>
      entryD x ch (i * stride) (j * stride)

/-- A block of two 3x3 convolutions, from `c` channels of `h` by `w` to `k` channels of `h'` by `w'`. -/
structure BasicBlock (α : Type) (c h w k h' w' : Nat) where
  /-- Stride of the first convolution. -/
  stride : Nat
  /-- First convolution. -/
  conv1 : Vector (Image c 3 3 α) k
  /-- Normalisation after it. -/
  norm1 : BatchNorm k α
  /-- Second convolution. -/
  conv2 : Vector (Image k 3 3 α) k
  /-- Normalisation after it. -/
  norm2 : BatchNorm k α
  /-- The shortcut. -/
  shortcut : Shortcut α c h w k h' w'
  /-- The first convolution makes `h'` rows. -/
  rows : outSize h 3 stride 1 = h'
  /-- The first convolution makes `w'` columns. -/
  cols : outSize w 3 stride 1 = w'

/-- The residual branch `F`: convolution, normalisation, relu, convolution, normalisation. -/
def BasicBlock.branch (b : BasicBlock α c h w k h' w') (eps : α) (x : Image c h w α) : Image k h' w' α :=
  let y := reluImage (batchNorm b.norm1 eps (resize b.rows b.cols (conv2d b.conv1 x b.stride 1)))
  batchNorm b.norm2 eps (resize (outSize_same h') (outSize_same w') (conv2d b.conv2 y 1 1))

/-- The block: `relu(F x + S x)` (figure 2). -/
def BasicBlock.apply (b : BasicBlock α c h w k h' w') (eps : α) (x : Image c h w α) : Image k h' w' α :=
  residual (b.branch eps) (b.shortcut.apply eps) x

/-- The projection shortcut of a block with that stride. -/
def Shortcut.projected (stride : Nat) (conv : Vector (Image c 1 1 α) k) (norm : BatchNorm k α) :
    Shortcut α c h w k (outSize h 3 stride 1) (outSize w 3 stride 1) :=
  .projection stride conv norm (outSize_projection h stride) (outSize_projection w stride)

/-- The identity between shapes that are equal, but written differently. -/
def Shortcut.ofEq (channels : c = k) (rows : h = h') (cols : w = w') : Shortcut α c h w k h' w' :=
  channels ▸ rows ▸ cols ▸ .identity

/-- What a network does where a block changes the shape. -/
inductive Widening where
  /-- Zeros for the new channels, no parameters (option A). -/
  | zeroPad
  /-- A projection (option B). -/
  | projection
  deriving DecidableEq, Repr

/-- Blocks of one output shape. -/
structure Stage where
  /-- The number of blocks. -/
  blocks : Nat
  /-- Channels of the 3x3 convolutions. -/
  width : Nat
  deriving DecidableEq, Repr

/-- A stem, stages of blocks and a classifier. Every stage but the first has stride 2. -/
structure Config where
  /-- The stages, in the order of computation. -/
  stages : List Stage
  /-- Blocks of 1x1, 3x3 and 1x1 convolutions whose last has four times the width, in place of two 3x3. -/
  bottleneck : Bool
  /-- A 7x7 convolution and a 3x3 maximum pool, both of stride 2, in place of a 3x3 convolution. -/
  imagenetStem : Bool
  /-- Shortcuts where the shape changes. -/
  widening : Widening
  /-- Channels of the input. -/
  channels : Nat
  /-- Classes to tell apart. -/
  classes : Nat
  /-- Side of the input that the network is meant for. -/
  image : Nat
  deriving DecidableEq, Repr

namespace Config

/-- Nothing is empty: the network has stages, each with blocks and channels, an input and classes. -/
def WellFormed (g : Config) : Prop :=
  0 < g.channels ∧ 0 < g.classes ∧ 0 < g.image ∧ g.stages ≠ [] ∧ ∀ t ∈ g.stages, 0 < t.blocks ∧ 0 < t.width

instance (g : Config) : Decidable g.WellFormed := by unfold WellFormed; infer_instance

/-- Output channels of a block for each channel of its 3x3 convolutions. -/
def expansion (g : Config) : Nat := if g.bottleneck then 4 else 1

/-- Channels of the stem: those of the first stage's 3x3 convolutions. -/
def stemWidth (g : Config) : Nat :=
  match g.stages with
  | [] => 0
  | t :: _ => t.width

/-- Parameters of a square convolution and its normalisation's weight and bias. -/
def convCount (inputs outputs kernel : Nat) : Nat :=
  outputs * inputs * kernel * kernel + 2 * outputs

/-- Parameters of a block's shortcut. -/
def shortcutCount (g : Config) (inputs outputs stride : Nat) : Nat :=
  if inputs = outputs then if stride = 1 then 0 else widened else widened
where
  /-- Parameters of a shortcut between different shapes. -/
  widened : Nat :=
    match g.widening with
    | .zeroPad => 0
    | .projection => convCount inputs outputs 1

/-- Parameters of a block. -/
def blockCount (g : Config) (inputs width stride : Nat) : Nat :=
  g.shortcutCount inputs (g.expansion * width) stride +
    if g.bottleneck then convCount inputs width 1 + convCount width width 3 + convCount width (4 * width) 1
    else convCount inputs width 3 + convCount width width 3

/-- Parameters of a stage: its first block has the stride and the new width, the others change no shape. -/
def stageCount (g : Config) (inputs stride : Nat) (t : Stage) : Nat :=
  match t.blocks with
  | 0 => 0
  | n + 1 => g.blockCount inputs t.width stride + n * g.blockCount (g.expansion * t.width) t.width 1

/-- Parameters of the stages, the first with that stride, and of the classifier behind them. -/
def countFrom (g : Config) : List Stage → (inputs stride : Nat) → Nat
  | [], inputs, _ => g.classes * inputs + g.classes
  | t :: ts, inputs, stride => g.stageCount inputs stride t + g.countFrom ts (g.expansion * t.width) 2

/-- The number of trainable parameters. -/
def paramCount (g : Config) : Nat :=
  convCount g.channels g.stemWidth (if g.imagenetStem then 7 else 3) + g.countFrom g.stages g.stemWidth 1

/-- The side after the stem. -/
def stemSize (g : Config) (input : Nat) : Nat :=
  if g.imagenetStem then outSize (outSize input 7 2 3) 3 2 1 else outSize input 3 1 1

/-- The sides after each stage, the first with that stride. -/
def sizesFrom : List Stage → (stride size : Nat) → List Nat
  | [], _, _ => []
  | _ :: ts, stride, size => outSize size 3 stride 1 :: sizesFrom ts 2 (outSize size 3 stride 1)

/-- The side after the stem and after each stage. -/
def stageSizes (g : Config) (input : Nat) : List Nat :=
  g.stemSize input :: sizesFrom g.stages 1 (g.stemSize input)

/-- Layers with weights on the longest path, shortcuts apart: the number in a network's name. -/
def depth (g : Config) : Nat :=
  g.stages.foldl (init := 2) fun n t => n + t.blocks * if g.bottleneck then 3 else 2

end Config

/-- A network of table 1: four stages on images of 224 by 224 pixels. -/
def imagenet (n1 n2 n3 n4 : Nat) (bottleneck : Bool) : Config :=
  ⟨[⟨n1, 64⟩, ⟨n2, 128⟩, ⟨n3, 256⟩, ⟨n4, 512⟩], bottleneck, true, .projection, 3, 1000, 224⟩

/-- ResNet-18. -/
def resnet18 : Config := imagenet 2 2 2 2 false
/-- ResNet-34. -/
def resnet34 : Config := imagenet 3 4 6 3 false
/-- ResNet-50. -/
def resnet50 : Config := imagenet 3 4 6 3 true
/-- ResNet-101. -/
def resnet101 : Config := imagenet 3 4 23 3 true
/-- ResNet-152. -/
def resnet152 : Config := imagenet 3 8 36 3 true

/-- The network of `6 n + 2` layers for CIFAR-10, section 4.2: three stages of `n` blocks. -/
def cifar (n : Nat) (widening : Widening) : Config :=
  ⟨[⟨n, 16⟩, ⟨n, 32⟩, ⟨n, 64⟩], false, false, widening, 3, 10, 32⟩

/-- CIFAR ResNet-20. -/
def cifar20 : Widening → Config := cifar 3
/-- CIFAR ResNet-32. -/
def cifar32 : Widening → Config := cifar 5
/-- CIFAR ResNet-44. -/
def cifar44 : Widening → Config := cifar 7
/-- CIFAR ResNet-56. -/
def cifar56 : Widening → Config := cifar 9
/-- CIFAR ResNet-110. -/
def cifar110 : Widening → Config := cifar 18

end ResNet
end Spec
