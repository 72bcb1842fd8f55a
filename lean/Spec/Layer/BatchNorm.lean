module
public import Spec.Layer.Linear

/-!
# Batch normalisation in evaluation mode

Ioffe and Szegedy, arXiv 1502.03167, with the running mean and variance of each channel.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {c h w : Nat}

/-- The statistics and parameters of each channel. -/
structure BatchNorm (c : Nat) (α : Type) where
  /-- Running mean. -/
  mean : Vector α c
  /-- Running variance. -/
  var : Vector α c
  /-- Scale, the paper's `γ`. -/
  weight : Vector α c
  /-- Shift, the paper's `β`. -/
  bias : Vector α c

/-- The ways to compute `(x - mean) / s * weight + bias` that kernels use, for the standard deviation `s`: divide
or multiply by the reciprocal, scale before or after, or fold everything into one product and one sum. -/
def batchNormReadings (x mean s weight bias : α) : α × List α :=
  let inv := int 1 / s
  let folded (scale : α) := x * scale + (bias - mean * scale)
  ((x - mean) / s * weight + bias,
    [(x - mean) * inv * weight + bias, (x - mean) * weight * inv + bias, (x - mean) * (weight * inv) + bias,
      (x - mean) * (weight / s) + bias, folded (weight * inv), folded (weight / s)])

/-- `(x - mean) / √(var + eps) * weight + bias`, by any of `batchNormReadings`. -/
def batchNormAt (eps mean var weight bias x : α) : α :=
  let readings := batchNormReadings x mean (sqrt (var + eps)) weight bias
  readings.2.foldl (fun a b => either a b) readings.1

/-- Batch normalisation of an image by its channels' running statistics. -/
def batchNorm (p : BatchNorm c α) (eps : α) (x : Image c h w α) : Image c h w α :=
  build c fun ch => build h fun i => build w fun j =>
    batchNormAt eps p.mean[ch] p.var[ch] p.weight[ch] p.bias[ch] x[ch][i][j]

end Spec
