module
public import Spec.Law.Conv2d
public import Spec.Law.Patch
public import Spec.Model.ResNet

/-!
# Laws of residual networks
-/

@[expose] public noncomputable section
namespace Spec

namespace ResNet
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast

/-- Images are equal if their entries are. -/
theorem image_ext {α : Type} {c h w : Nat} {x y : Image c h w α} (e : ∀ (ch : Fin c) (i : Fin h) (j : Fin w), x[ch][i][j] = y[ch][i][j]) :
    x = y :=
  Vector.ext fun ch hch => Vector.ext fun i hi => Vector.ext fun j hj => e ⟨ch, hch⟩ ⟨i, hi⟩ ⟨j, hj⟩

section Exact
variable {α : Type} [Field α] [LE α] [DecidableLE α] [Std.IsLinearOrder α]
variable (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x) {c h w : Nat}

/-- The larger of two numbers. -/
@[reducible] def maxOf : Max α := ⟨fun x y => if x ≤ y then y else x⟩

/-- Exact arithmetic in an ordered field. -/
@[reducible] def ordered : Scalar α := @exactly α _ maxOf f pick

theorem relu_of_nonneg {x : α} (hx : 0 ≤ x) : @Scalar.relu α (ordered f pick) x = x := by
  have hz : ((0 : Int) : α) / ((1 : Nat) : α) = 0 := by grind
  show (if x ≤ ((0 : Int) : α) / ((1 : Nat) : α) then ((0 : Int) : α) / ((1 : Nat) : α) else x) = x
  rw [hz]
  split <;> grind

include same in
omit [Std.IsLinearOrder α] in
/-- A normalisation with weight 0 and bias 0 gives 0, by every reading. -/
theorem batchNormAt_zero (eps mean var x : α) : @batchNormAt α (ordered f pick) eps mean var 0 0 x = 0 := by
  have h1 (s : α) : (x - mean) / s * 0 + 0 = 0 := by grind
  simp only [batchNormAt, batchNormReadings, List.foldl_cons, List.foldl_nil]
  have h2 : (0 : α) + 0 = 0 := by grind
  have h3 : (0 : α) + (0 - 0) = 0 := by grind
  grind

/-- A branch that gives zeros leaves a block's input as it is, where that is not negative, as behind a relu. -/
theorem residual_zero (branch : Image c h w α → Image c h w α) (x : Image c h w α)
    (zero : ∀ (ch : Fin c) (i : Fin h) (j : Fin w), (branch x)[ch][i][j] = 0)
    (nonneg : ∀ (ch : Fin c) (i : Fin h) (j : Fin w), 0 ≤ x[ch][i][j]) :
    @residual α (ordered f pick) c h w c h w branch id x = x := by
  refine image_ext fun ch i j => ?_
  simp only [residual, reluImage, addImage, getElem_build_fin, id]
  rw [show (branch x)[ch][i][j] + x[ch][i][j] = x[ch][i][j] by rw [zero]; grind]
  exact relu_of_nonneg f pick (nonneg ch i j)

include same in
/-- A block whose last normalisation has weight 0 and bias 0, as some initializations begin, is the identity on
images that are not negative. -/
theorem apply_of_zero (b : BasicBlock α c h w c h w) (eps : α) (x : Image c h w α)
    (shortcut : b.shortcut = .identity) (weight : ∀ ch : Fin c, b.norm2.weight[ch] = 0)
    (bias : ∀ ch : Fin c, b.norm2.bias[ch] = 0)
    (nonneg : ∀ (ch : Fin c) (i : Fin h) (j : Fin w), 0 ≤ x[ch][i][j]) :
    @BasicBlock.apply α (ordered f pick) c h w c h w b eps x = x := by
  unfold BasicBlock.apply
  rw [shortcut]
  refine residual_zero f pick _ x (fun ch i j => ?_) nonneg
  simp only [BasicBlock.branch, batchNorm, getElem_build_fin, weight, bias]
  exact batchNormAt_zero f pick same ..

end Exact

namespace Config

/-- The published networks with projection shortcuts, and CIFAR-10's with both kinds. -/
def published : List Config :=
  [resnet18, resnet34, resnet50, resnet101, resnet152] ++
    [Widening.projection, .zeroPad].flatMap fun s => [cifar20 s, cifar32 s, cifar44 s, cifar56 s, cifar110 s]

/-- Every published network is well formed. -/
theorem published_wellFormed : ∀ g ∈ published, g.WellFormed := by decide

/-- The numbers in the names count the layers. -/
theorem published_depth :
    published.map depth = [18, 34, 50, 101, 152, 20, 32, 44, 56, 110, 20, 32, 44, 56, 110] := by rfl

/-- The numbers of parameters of ResNet-18, 34, 50, 101 and 152. -/
theorem imagenet_paramCount : [resnet18, resnet34, resnet50, resnet101, resnet152].map paramCount =
    [11689512, 21797672, 25557032, 44549160, 60192808] := by rfl

/-- The numbers of parameters of CIFAR-10's networks of 20, 32, 44, 56 and 110 layers, with projections. -/
theorem cifar_paramCount : [cifar20, cifar32, cifar44, cifar56, cifar110].map (fun g => (g .projection).paramCount) =
    [272474, 466906, 661338, 855770, 1730714] := by rfl

/-- On 224 by 224 pixels, the stages of table 1 see sides of 56, 28, 14 and 7. -/
theorem imagenet_stageSizes : ∀ g ∈ [resnet18, resnet34, resnet50, resnet101, resnet152],
    g.stageSizes 224 = [56, 56, 28, 14, 7] := by decide

/-- On 32 by 32 pixels, the stages of CIFAR-10's networks see sides of 32, 16 and 8. -/
theorem cifar_stageSizes : ∀ n s, (cifar n s).stageSizes 32 = [32, 32, 16, 8] := by
  intro n s
  simp [stageSizes, cifar, stemSize, sizesFrom, outSize]

end Config
end ResNet
end Spec
