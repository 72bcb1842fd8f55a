module
public import Spec.Layer.Linear

/-!
# Convolution of images

Cross-correlation with zero padding, as deep learning calls convolution: the kernel is not flipped. Sizes: `c`
channels in, `k` channels out, an image of `h` rows and `w` columns, a kernel of `r` rows and `s` columns.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {c k h w r s : Nat}

/-- How often a kernel fits along an axis: `⌊(size + 2 padding - kernel) / stride⌋ + 1`, and 0 if it never
does. -/
def outSize (size kernel stride padding : Nat) : Nat :=
  if stride = 0 then 0
  else if size + 2 * padding < kernel then 0
  else (size + 2 * padding - kernel) / stride + 1

/-- All pairs of an entry of `xs` and an entry of `ys`. -/
@[specialize] def pairs {β γ : Type} (xs : List β) (ys : List γ) : List (β × γ) :=
  xs.foldl (init := []) fun acc x => ys.foldl (init := acc) fun acc y => (x, y) :: acc

/-- Along one axis, the taps `u` of a kernel placed at `start` with the positions `p` of the image under them:
`p + padding = start + u`. Taps over the padding are left out. -/
def axisTaps (size kernel start padding : Nat) : List (Fin kernel × Fin size) :=
  (entries kernel fun u => u).foldl (init := []) fun acc u =>
    if h : start + u.1 - padding < size then
      if padding ≤ start + u.1 then (u, ⟨start + u.1 - padding, h⟩) :: acc else acc
    else acc

/-- The channels, and the taps of both axes, that make the output at row `i` and column `j`. -/
def taps (c h w r s stride padding i j : Nat) : List (Fin c × (Fin r × Fin h) × (Fin s × Fin w)) :=
  pairs (entries c fun ch => ch)
    (pairs (axisTaps h r (i * stride) padding) (axisTaps w s (j * stride) padding))

/-- One output: `Σ weight[o][ch][u][v] x[ch][i stride + u - padding][j stride + v - padding]` over all channels
and all taps inside the image, added in any order. -/
def conv2dAt (weight : Vector (Image c r s α) k) (x : Image c h w α) (stride padding : Nat) (o : Fin k)
    (i j : Nat) : α :=
  dot ((taps c h w r s stride padding i j).map fun t =>
    (weight[o][t.1][t.2.1.1][t.2.2.1], x[t.1][t.2.1.2][t.2.2.2]))

/-- The convolution of an image, without bias. -/
def conv2d (weight : Vector (Image c r s α) k) (x : Image c h w α) (stride padding : Nat) :
    Image k (outSize h r stride padding) (outSize w s stride padding) α :=
  build k fun o => build _ fun i => build _ fun j => conv2dAt weight x stride padding o i j

end Spec
