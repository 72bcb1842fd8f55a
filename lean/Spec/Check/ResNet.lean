module
public import Spec.Check.Point
public import Spec.Model.ResNet

/-!
# Spec points of residual networks

Axes: `b` images, `c` channels in, `k` channels out, `h` rows, `w` columns.
-/

@[expose] public noncomputable section
namespace Spec.Check.ResNet
open Spec.Point
variable {α : Type} [Scalar α] [Recorded α]

/-- The images of a batch. -/
def images (x : Tensor) (b c h w : Nat) : Vector (Image c h w α) b :=
  build b fun i => x.image c h w (i * (c * (h * w)))

/-- `resnet.conv`. -/
def conv : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  let weight ← r.tensor "weight"
  let stride ← r.int "stride"
  let padding ← r.int "padding"
  match x.shape, weight.shape with
  | [b, c, h, w], [k, c', p, q] =>
    if c = c' then
      let xs := images x b c h w
      let kernels : Vector (Image c p q α) k := weight.kernels k c p q
      let rows := outSize h p stride padding
      let cols := outSize w q stride padding
      return ⟨[b, k, rows, cols], 1, fun n =>
        let j := n % cols
        let i := n / cols % rows
        let o := n / (cols * rows) % k
        let image := n / (cols * rows * k)
        if hi : image < b then
          if ho : o < k then #[conv2dAt kernels xs[image] stride padding ⟨o, ho⟩ i j] else #[]
        else #[]⟩
    else throw s!"resnet.conv: 'x' has {c} channels, 'weight' has {c'}"
  | s, t => throw s!"resnet.conv: 'x' has shape {Request.showShape s} and 'weight' {Request.showShape t}"

/-- `resnet.batch_norm`. -/
def batchNorm : Point := fun _ _ _ r => do
  let x ← r.tensor "x"
  match x.shape with
  | [_, c, h, w] =>
    let mean ← r.shaped "mean" [c]
    let var ← r.shaped "var" [c]
    let weight ← r.shaped "weight" [c]
    let bias ← r.shaped "bias" [c]
    let eps ← r.shaped "eps" []
    return ⟨x.shape, 1, fun n =>
      let ch := n / (h * w) % c
      #[batchNormAt (eps.entry 0) (mean.entry ch) (var.entry ch) (weight.entry ch) (bias.entry ch) (x.entry n)]⟩
  | s => throw s!"resnet.batch_norm: 'x' has shape {Request.showShape s}"

/-- `resnet.pool`. -/
def pool : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  match x.shape with
  | [b, c, h, w] => return ⟨[b, c], c, fun n =>
      flatVec (globalMean (x.image c h w (n * (c * (h * w)))) : Vector α c)⟩
  | s => throw s!"resnet.pool: 'x' has shape {Request.showShape s}"

/-- The normalisation number `i` of a block. -/
def normOf (r : Request) (i : String) (k : Nat) : Except String (BatchNorm k α) := do
  let mean ← r.shaped s!"mean{i}" [k]
  let var ← r.shaped s!"var{i}" [k]
  let weight ← r.shaped s!"weight{i}" [k]
  let bias ← r.shaped s!"bias{i}" [k]
  return ⟨mean.vec k, var.vec k, weight.vec k, bias.vec k⟩

/-- The shortcut of a block: a projection if one was recorded, else the identity, which needs equal shapes. -/
def shortcutOf (r : Request) (c h w k stride : Nat) :
    Except String (Spec.ResNet.Shortcut α c h w k (outSize h 3 stride 1) (outSize w 3 stride 1)) := do
  if r.has "conv3" then
    let conv3 ← r.shaped "conv3" [k, c, 1, 1]
    return .projected stride (conv3.kernels k c 1 1) (← normOf r "3" k)
  else if same : c = k ∧ h = outSize h 3 stride 1 ∧ w = outSize w 3 stride 1 then
    return .ofEq same.1 same.2.1 same.2.2
  else throw "resnet.block: the branch changes the shape and there is no projection"

/-- `resnet.block`. -/
def block : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  let conv1 ← r.tensor "conv1"
  let stride ← r.int "stride"
  let eps ← r.shaped "eps" []
  match x.shape, conv1.shape with
  | [b, c, h, w], [k, _, _, _] =>
    let conv1 ← r.shaped "conv1" [k, c, 3, 3]
    let conv2 ← r.shaped "conv2" [k, k, 3, 3]
    let p : Spec.ResNet.BasicBlock α c h w k (outSize h 3 stride 1) (outSize w 3 stride 1) := {
      stride, conv1 := conv1.kernels k c 3 3, norm1 := ← normOf r "1" k
      conv2 := conv2.kernels k k 3 3, norm2 := ← normOf r "2" k
      shortcut := ← shortcutOf r c h w k stride, rows := rfl, cols := rfl }
    let rows := outSize h 3 stride 1
    let cols := outSize w 3 stride 1
    return ⟨[b, k, rows, cols], k * (rows * cols), fun n =>
      flatImage (p.apply (eps.entry 0) (x.image c h w (n * (c * (h * w)))))⟩
  | s, t => throw s!"resnet.block: 'x' has shape {Request.showShape s} and 'conv1' {Request.showShape t}"

/-- The spec points of residual networks. -/
def points : List (String × Point) :=
  [("resnet.conv", conv), ("resnet.batch_norm", batchNorm), ("resnet.relu", perEntry Scalar.relu),
   ("resnet.add", perPair fun x y => x + y), ("resnet.pool", pool), ("resnet.fc", linearLayer),
   ("resnet.block", block)]

/-- The published configurations by name. -/
def named : List (String × Spec.ResNet.Config) :=
  [("ResNet-18", Spec.ResNet.resnet18), ("ResNet-34", Spec.ResNet.resnet34), ("ResNet-50", Spec.ResNet.resnet50),
   ("ResNet-101", Spec.ResNet.resnet101), ("ResNet-152", Spec.ResNet.resnet152),
   ("CIFAR-ResNet-20", Spec.ResNet.cifar20 .projection), ("CIFAR-ResNet-32", Spec.ResNet.cifar32 .projection),
   ("CIFAR-ResNet-44", Spec.ResNet.cifar44 .projection), ("CIFAR-ResNet-56", Spec.ResNet.cifar56 .projection),
   ("CIFAR-ResNet-110", Spec.ResNet.cifar110 .projection)]

/-- The stages of a configuration, from their numbers of blocks and their widths. -/
def stagesOf : List Nat → List Nat → List Spec.ResNet.Stage
  | b :: bs, w :: ws => ⟨b, w⟩ :: stagesOf bs ws
  | _, _ => []

/-- The configuration of a request: by its `name`, or a CIFAR-style one of basic blocks by `blocks`, `widths`,
`channels`, `classes` and `image`. -/
def configOf (j : Lean.Json) : Except String Spec.ResNet.Config :=
  match (Request.field j "name").bind Lean.Json.getStr? with
  | .ok name =>
    match Request.lookup name named with
    | some g => .ok g
    | none => .error s!"no residual network is called '{name}'"
  | .error _ => do
    let blocks ← Request.nats (← Request.field j "blocks")
    let widths ← Request.nats (← Request.field j "widths")
    return ⟨stagesOf blocks widths, false, false, .projection, ← (← Request.field j "channels").getNat?,
      ← (← Request.field j "classes").getNat?, ← (← Request.field j "image").getNat?⟩

/-- `resnet.parameters`. -/
def parameters : Fact := fun j => do return [(← configOf j).paramCount]

/-- `resnet.sizes`: the side after each stage. -/
def sizes : Fact := fun j => do
  let g ← configOf j
  return Spec.ResNet.Config.sizesFrom g.stages 1 (g.stemSize g.image)

/-- The structural facts of residual networks. -/
def facts : List (String × Fact) := [("resnet.parameters", parameters), ("resnet.sizes", sizes)]

end Spec.Check.ResNet
