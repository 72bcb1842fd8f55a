module
public import Spec.Law.Preserved
public import Spec.Model.ResNet
public import Spec.Model.ViT

/-!
# Networks keep what every operation keeps

Multi-head attention, the vision transformer from image to logits, and the residual block.
-/

@[expose] public noncomputable section
namespace Spec
variable {α β : Type} {R : α → β → Prop} {c gh gw side H d D T M N K P : Nat}

/-- Self-attentions whose weights are related. -/
structure AttentionParams.Alike (R : α → β → Prop) (p : AttentionParams D α) (p' : AttentionParams D β) : Prop where
  /-- Those of the projections to queries, keys and values are. -/
  qkvW : Spec.Alike (Spec.Alike R) p.qkvW p'.qkvW
  /-- Their biases are. -/
  qkvB : Spec.Alike R p.qkvB p'.qkvB
  /-- Those of the output projection are. -/
  projW : Spec.Alike (Spec.Alike R) p.projW p'.projW
  /-- Its biases are. -/
  projB : Spec.Alike R p.projB p'.projB

theorem Alike.patchify {x : Image c (gh * side) (gw * side) α} {x' : Image c (gh * side) (gw * side) β}
    (hx : Alike (Alike (Alike R)) x x') : Alike (Alike R) (patchify side x) (patchify side x') :=
  alike_build fun _ => alike_build fun _ => ((hx.at _).at _).at _

theorem Alike.headOf {y : Mat T (3 * (H * d)) α} {y' : Mat T (3 * (H * d)) β} (hy : Alike (Alike R) y y') (i : Fin 3)
    (h : Fin H) : Alike (Alike R) (headOf i h y) (headOf i h y') :=
  alike_build fun t => alike_build fun _ => (hy.at t).at _

theorem Alike.concatHeads {z : Vector (Mat T d α) H} {z' : Vector (Mat T d β) H} (hz : Alike (Alike (Alike R)) z z') :
    Alike (Alike R) (concatHeads z) (concatHeads z') :=
  alike_build fun t => alike_build fun k => ((hz.at (rowOf k)).at t).at (colOf k)

namespace ViT

/-- Normalizations whose parameters are related. -/
structure Norm.Alike (R : α → β → Prop) (p : Norm D α) (p' : Norm D β) : Prop where
  /-- The weights are. -/
  weight : Spec.Alike R p.weight p'.weight
  /-- The biases are. -/
  bias : Spec.Alike R p.bias p'.bias

/-- Blocks whose parameters are related. -/
structure Block.Alike (R : α → β → Prop) (p : Block D M α) (p' : Block D M β) : Prop where
  /-- Those of the first normalization are. -/
  norm1 : p.norm1.Alike R p'.norm1
  /-- Those of the attention are. -/
  attention : p.attention.Alike R p'.attention
  /-- Those of the second normalization are. -/
  norm2 : p.norm2.Alike R p'.norm2
  /-- The first layer's weights are. -/
  fc1W : Spec.Alike (Spec.Alike R) p.fc1W p'.fc1W
  /-- Its biases are. -/
  fc1B : Spec.Alike R p.fc1B p'.fc1B
  /-- The second layer's weights are. -/
  fc2W : Spec.Alike (Spec.Alike R) p.fc2W p'.fc2W
  /-- Its biases are. -/
  fc2B : Spec.Alike R p.fc2B p'.fc2B

/-- Networks whose parameters are related. -/
structure Params.Alike (R : α → β → Prop) (p : Params N P D M K α) (p' : Params N P D M K β) : Prop where
  /-- The projections of the patches are. -/
  embedW : Spec.Alike (Spec.Alike R) p.embedW p'.embedW
  /-- Their biases are. -/
  embedB : Spec.Alike R p.embedB p'.embedB
  /-- The class tokens are. -/
  cls : Spec.Alike R p.cls p'.cls
  /-- The positions are. -/
  pos : Spec.Alike (Spec.Alike R) p.pos p'.pos
  /-- The blocks are. -/
  blocks : Each (Block.Alike R) p.blocks p'.blocks
  /-- The last normalizations are. -/
  norm : p.norm.Alike R p'.norm
  /-- The classifiers are. -/
  headW : Spec.Alike (Spec.Alike R) p.headW p'.headW
  /-- Their biases are. -/
  headB : Spec.Alike R p.headB p'.headB

end ViT

variable [Scalar α] [Scalar β]

namespace Preserved
variable (hR : Preserved R)
include hR

/-! ### Attention -/

/-- Multi-head self-attention. -/
theorem attention {p : AttentionParams (H * d) α} {p' : AttentionParams (H * d) β} {x : Mat T (H * d) α}
    {x' : Mat T (H * d) β} (hp : p.Alike R p') (hx : Alike (Alike R) x x') :
    Alike (Alike R) (attention p x) (attention p' x') := by
  have y := hx.mapVec (Q := Alike R) fun _ _ h => hR.linearBias hp.qkvW hp.qkvB h
  have z : Alike (Alike (Alike R))
      (build H fun h => Spec.attend (headOf 0 h (mapVec (Spec.linearBias p.qkvW p.qkvB) x))
        (headOf 1 h (mapVec (Spec.linearBias p.qkvW p.qkvB) x)) (headOf 2 h (mapVec (Spec.linearBias p.qkvW p.qkvB) x)))
      (build H fun h => Spec.attend (headOf 0 h (mapVec (Spec.linearBias p'.qkvW p'.qkvB) x'))
        (headOf 1 h (mapVec (Spec.linearBias p'.qkvW p'.qkvB) x'))
        (headOf 2 h (mapVec (Spec.linearBias p'.qkvW p'.qkvB) x'))) :=
    alike_build fun h => hR.attend (y.headOf 0 h) (y.headOf 1 h) (y.headOf 2 h)
  exact z.concatHeads.mapVec fun _ _ h => hR.linearBias hp.projW hp.projB h

/-! ### Vision transformer -/

theorem vitTokens {cls : Vector α D} {cls' : Vector β D} {pos : Mat (N + 1) D α} {pos' : Mat (N + 1) D β} {x : Mat N D α}
    {x' : Mat N D β} (hc : Alike R cls cls') (hp : Alike (Alike R) pos pos') (hx : Alike (Alike R) x x') :
    Alike (Alike R) (ViT.tokensOf cls pos x) (ViT.tokensOf cls' pos' x') :=
  alike_build fun t => hR.addVec (by split; exact hc; exact hx _ _) (hp.at t)

theorem vitNorm {p : ViT.Norm D α} {p' : ViT.Norm D β} {eps : α} {eps' : β} {x : Mat T D α} {x' : Mat T D β}
    (hp : p.Alike R p') (he : R eps eps') (hx : Alike (Alike R) x x') :
    Alike (Alike R) (p.apply eps x) (p'.apply eps' x') :=
  hx.mapVec fun _ _ h => hR.layerNorm hp.weight hp.bias he h

theorem vitBlock {p : ViT.Block (H * d) M α} {p' : ViT.Block (H * d) M β} {eps : α} {eps' : β} {x : Mat T (H * d) α}
    {x' : Mat T (H * d) β} (he : R eps eps') (hp : p.Alike R p') (hx : Alike (Alike R) x x') :
    Alike (Alike R) (ViT.block eps p x) (ViT.block eps' p' x') := by
  have rows {x y : Mat T (H * d) α} {x' y' : Mat T (H * d) β} (hx : Alike (Alike R) x x') (hy : Alike (Alike R) y y') :
      Alike (Alike R) (ViT.addRows x y) (ViT.addRows x' y') := alike_build fun t => hR.addVec (hx.at t) (hy.at t)
  have perceptron (v : Vector α (H * d)) (v' : Vector β (H * d)) (h : Alike R v v') :
      Alike R (ViT.perceptron p v) (ViT.perceptron p' v') :=
    hR.linearBias hp.fc2W hp.fc2B ((hR.linearBias hp.fc1W hp.fc1B h).mapVec fun _ _ h => hR.gelu h)
  have y := rows hx (hR.attention hp.attention (hR.vitNorm hp.norm1 he hx))
  exact rows y ((hR.vitNorm hp.norm2 he y).mapVec perceptron)

/-- The whole network. -/
theorem vitLogits {p : ViT.Params (gh * gw) (c * (side * side)) (H * d) M K α}
    {p' : ViT.Params (gh * gw) (c * (side * side)) (H * d) M K β} {eps : α} {eps' : β}
    {x : Image c (gh * side) (gw * side) α} {x' : Image c (gh * side) (gw * side) β} (hp : p.Alike R p')
    (he : R eps eps') (hx : Alike (Alike (Alike R)) x x') :
    Alike R (ViT.logits eps p x) (ViT.logits eps' p' x') := by
  have tokens := hR.vitTokens hp.cls hp.pos (hx.patchify.mapVec fun _ _ h => hR.linearBias hp.embedW hp.embedB h)
  have y := hp.blocks.foldl (S := Alike (Alike R)) (f := fun y b => ViT.block eps b y)
    (g := fun y b => ViT.block eps' b y) (fun _ _ _ _ hy hb => hR.vitBlock he hb hy) tokens
  exact hR.linearBias hp.headW hp.headB (hR.layerNorm hp.norm.weight hp.norm.bias he (y 0 (by omega)))

end Preserved

/-! ### Residual networks -/

namespace ResNet
variable {c h w k h' w' : Nat}

/-- Shortcuts of one kind whose weights are related. -/
inductive Shortcut.Alike (R : α → β → Prop) : {c h w k h' w' : Nat} → Shortcut α c h w k h' w' →
    Shortcut β c h w k h' w' → Prop
  | identity {c h w : Nat} : Alike R (.identity : Shortcut α c h w c h w) .identity
  | projection {c h w k h' w' : Nat} {stride : Nat} {conv : Vector (Image c 1 1 α) k} {conv' : Vector (Image c 1 1 β) k}
      {norm : BatchNorm k α} {norm' : BatchNorm k β} {rows : outSize h 1 stride 0 = h'} {cols : outSize w 1 stride 0 = w'}
      (hc : Spec.Alike (Spec.Alike (Spec.Alike (Spec.Alike R))) conv conv') (hn : norm.Alike R norm') :
      Alike R (.projection stride conv norm rows cols) (.projection stride conv' norm' rows cols)
  | zeroPad {c h w k h' w' : Nat} {stride : Nat} {rows : outSize h 1 stride 0 = h'} {cols : outSize w 1 stride 0 = w'} :
      Alike R (.zeroPad stride rows cols : Shortcut α c h w k h' w') (.zeroPad stride rows cols)

/-- Blocks of one stride whose weights are related. -/
structure BasicBlock.Alike (R : α → β → Prop) (p : BasicBlock α c h w k h' w') (p' : BasicBlock β c h w k h' w') : Prop where
  /-- The strides are equal. -/
  stride : p.stride = p'.stride
  /-- The first convolutions are related. -/
  conv1 : Spec.Alike (Spec.Alike (Spec.Alike (Spec.Alike R))) p.conv1 p'.conv1
  /-- The normalizations after it are. -/
  norm1 : p.norm1.Alike R p'.norm1
  /-- The second convolutions are. -/
  conv2 : Spec.Alike (Spec.Alike (Spec.Alike (Spec.Alike R))) p.conv2 p'.conv2
  /-- The normalizations after it are. -/
  norm2 : p.norm2.Alike R p'.norm2
  /-- The shortcuts are. -/
  shortcut : p.shortcut.Alike R p'.shortcut

omit [Scalar α] [Scalar β] in
theorem alike_resize (rows : h = h') (cols : w = w') {x : Image c h w α} {x' : Image c h w β}
    (hx : Alike (Alike (Alike R)) x x') : Alike (Alike (Alike R)) (resize rows cols x) (resize rows cols x') := by
  subst rows
  subst cols
  exact hx

end ResNet

namespace Preserved
variable (hR : Preserved R) {c h w k h' w' : Nat}
include hR

theorem reluImage {x : Image c h w α} {x' : Image c h w β} (hx : Alike (Alike (Alike R)) x x') :
    Alike (Alike (Alike R)) (ResNet.reluImage x) (ResNet.reluImage x') :=
  alike_build fun ch => alike_build fun i => alike_build fun j => hR.max (((hx.at ch).at i).at j) hR.zero

theorem addImage {x y : Image c h w α} {x' y' : Image c h w β} (hx : Alike (Alike (Alike R)) x x')
    (hy : Alike (Alike (Alike R)) y y') : Alike (Alike (Alike R)) (ResNet.addImage x y) (ResNet.addImage x' y') :=
  alike_build fun ch => alike_build fun i => alike_build fun j =>
    hR.add (((hx.at ch).at i).at j) (((hy.at ch).at i).at j)

theorem shortcut {s : ResNet.Shortcut α c h w k h' w'} {s' : ResNet.Shortcut β c h w k h' w'} (hs : s.Alike R s')
    {eps : α} {eps' : β} (he : R eps eps') {x : Image c h w α} {x' : Image c h w β} (hx : Alike (Alike (Alike R)) x x') :
    Alike (Alike (Alike R)) (s.apply eps x) (s'.apply eps' x') := by
  cases hs with
  | identity => exact hx
  | projection hc hn => exact hR.batchNorm hn he (ResNet.alike_resize _ _ (hR.conv2d hc hx _ 0))
  | zeroPad =>
    refine alike_build fun ch => alike_build fun i => alike_build fun j => ?_
    unfold ResNet.entryD
    split
    · split
      · split
        · exact hx _ _ _ _ _ _
        · exact hR.zero
      · exact hR.zero
    · exact hR.zero

/-- The residual block. -/
theorem residualBlock {p : ResNet.BasicBlock α c h w k h' w'} {p' : ResNet.BasicBlock β c h w k h' w'} (hp : p.Alike R p')
    {eps : α} {eps' : β} (he : R eps eps') {x : Image c h w α} {x' : Image c h w β} (hx : Alike (Alike (Alike R)) x x') :
    Alike (Alike (Alike R)) (p.apply eps x) (p'.apply eps' x') := by
  obtain ⟨stride, conv1, norm1, conv2, norm2, shortcut, rows, cols⟩ := p
  obtain ⟨stride', conv1', norm1', conv2', norm2', shortcut', rows', cols'⟩ := p'
  obtain ⟨hst, hc1, hn1, hc2, hn2, hs⟩ := hp
  cases hst
  have y := hR.reluImage (hR.batchNorm hn1 he (ResNet.alike_resize rows cols (hR.conv2d hc1 hx stride 1)))
  exact hR.reluImage (hR.addImage (hR.batchNorm hn2 he
    (ResNet.alike_resize (outSize_same h') (outSize_same w') (hR.conv2d hc2 y 1 1))) (hR.shortcut hs he hx))

end Preserved
end Spec
