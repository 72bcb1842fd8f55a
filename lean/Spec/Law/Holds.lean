module
public import Spec.Law.Inside
public import Spec.Law.Preserved.Networks
public import Spec.Law.Preserved.Recurrent

/-!
# Layers run with rounding stay in their budgets

For each layer: if an implementation of the layer's text meets the rounding model in every operation, and its inputs are the
recorded ones (`Inside.recorded`) or others that are inside their reach, then each output for which the evaluator has a
budget lies within it. It may add and compose in any order of its class, fuse multiplications with additions, round the factors of
sums of products, accumulate in another format, and take any of the readings that the text names.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std

variable {m : Rounding} {K : Type} [Field K] [LE K] [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K]
  {N : Numbers K} (hN : N.Enclosing)

/-- Every value that an execution may compute for an output of the layer is a number in reach. -/
def InBudget {n : Nat} (r : Vector (Reach m) n) (e : Vector (Execution m N) n) : Prop :=
  ∀ (i : Nat) (hi : i < n) (v : Option Rat), r[i].ok = true → e[i].Computes v → ∃ z, v = some z ∧ r[i].run.Holds z

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem Alike.inBudget {n : Nat} {r : Vector (Reach m) n} {e : Vector (Execution m N) n} (h : Alike Inside r e) : InBudget r e :=
  fun i hi _ hok hv => (h i hi).computes hok hv

variable {a b c h w k n r s d S T H E D N' R' M C gh gw side h' w' : Nat}
include hN

/-- `W x + b`. -/
theorem linearBias_holds {weight : Mat a b (Reach m)} {weight' : Mat a b (Execution m N)} {bias : Vector (Reach m) a}
    {bias' : Vector (Execution m N) a} {x : Vector (Reach m) b} {x' : Vector (Execution m N) b}
    (hw : Alike (Alike Inside) weight weight') (hb : Alike Inside bias bias') (hx : Alike Inside x x') :
    InBudget (linearBias weight bias x) (linearBias weight' bias' x') :=
  ((inside_preserved hN).linearBias hw hb hx).inBudget

/-- Layer normalization. -/
theorem layerNorm_holds {weight bias x : Vector (Reach m) n} {weight' bias' x' : Vector (Execution m N) n} {eps : Reach m}
    {eps' : Execution m N} (hw : Alike Inside weight weight') (hb : Alike Inside bias bias') (he : Inside eps eps')
    (hx : Alike Inside x x') : InBudget (layerNorm weight bias eps x) (layerNorm weight' bias' eps' x') :=
  ((inside_preserved hN).layerNorm hw hb he hx).inBudget

/-- Root mean square normalization. -/
theorem rmsNorm_holds {weight x : Vector (Reach m) n} {weight' x' : Vector (Execution m N) n} {eps : Reach m}
    {eps' : Execution m N} (hw : Alike Inside weight weight') (he : Inside eps eps') (hx : Alike Inside x x') :
    InBudget (rmsNorm weight eps x) (rmsNorm weight' eps' x') :=
  ((inside_preserved hN).rmsNorm hw he hx).inBudget

/-- Batch normalization. -/
theorem batchNorm_holds {p : BatchNorm c (Reach m)} {p' : BatchNorm c (Execution m N)} {eps : Reach m}
    {eps' : Execution m N} {x : Image c h w (Reach m)} {x' : Image c h w (Execution m N)} (hp : p.Alike Inside p')
    (he : Inside eps eps') (hx : Alike (Alike (Alike Inside)) x x') (ch : Fin c) (i : Fin h) :
    InBudget (batchNorm p eps x)[ch][i] (batchNorm p' eps' x')[ch][i] :=
  ((((inside_preserved hN).batchNorm hp he hx).at ch).at i).inBudget

/-- Convolution of images. -/
theorem conv2d_holds {weight : Vector (Image c r s (Reach m)) k} {weight' : Vector (Image c r s (Execution m N)) k}
    {x : Image c h w (Reach m)} {x' : Image c h w (Execution m N)} (hw : Alike (Alike (Alike (Alike Inside))) weight weight')
    (hx : Alike (Alike (Alike Inside)) x x') (stride padding : Nat) (o : Fin k) (i : Fin (outSize h r stride padding)) :
    InBudget (conv2d weight x stride padding)[o][i] (conv2d weight' x' stride padding)[o][i] :=
  ((((inside_preserved hN).conv2d hw hx stride padding).at o).at i).inBudget

/-- The mean of each channel. -/
theorem globalMean_holds {x : Image c h w (Reach m)} {x' : Image c h w (Execution m N)}
    (hx : Alike (Alike (Alike Inside)) x x') : InBudget (globalMean x) (globalMean x') :=
  ((inside_preserved hN).globalMean hx).inBudget

/-- Softmax. -/
theorem softmax_holds {x : Vector (Reach m) n} {x' : Vector (Execution m N) n} (hx : Alike Inside x x') :
    InBudget (softmax x) (softmax x') :=
  ((inside_preserved hN).softmax hx).inBudget

/-- Scaled dot-product attention of one head. -/
theorem attend_holds {q : Mat T d (Reach m)} {q' : Mat T d (Execution m N)} {key value : Mat S d (Reach m)}
    {key' value' : Mat S d (Execution m N)} (hq : Alike (Alike Inside) q q') (hk : Alike (Alike Inside) key key')
    (hv : Alike (Alike Inside) value value') (t : Fin T) :
    InBudget (attend q key value)[t] (attend q' key' value')[t] :=
  (((inside_preserved hN).attend hq hk hv).at t).inBudget

/-- Multi-head self-attention. -/
theorem attention_holds {p : AttentionParams (H * d) (Reach m)} {p' : AttentionParams (H * d) (Execution m N)}
    {x : Mat T (H * d) (Reach m)} {x' : Mat T (H * d) (Execution m N)} (hp : p.Alike Inside p')
    (hx : Alike (Alike Inside) x x') (t : Fin T) : InBudget (attention p x)[t] (attention p' x')[t] :=
  (((inside_preserved hN).attention hp hx).at t).inBudget

/-- A vision transformer, from image to logits. -/
theorem logits_holds {p : ViT.Params (gh * gw) (c * (side * side)) (H * d) M C (Reach m)}
    {p' : ViT.Params (gh * gw) (c * (side * side)) (H * d) M C (Execution m N)} {eps : Reach m} {eps' : Execution m N}
    {x : Image c (gh * side) (gw * side) (Reach m)} {x' : Image c (gh * side) (gw * side) (Execution m N)}
    (hp : p.Alike Inside p') (he : Inside eps eps') (hx : Alike (Alike (Alike Inside)) x x') :
    InBudget (ViT.logits eps p x) (ViT.logits eps' p' x') :=
  ((inside_preserved hN).vitLogits hp he hx).inBudget

/-- A residual block. -/
theorem residualBlock_holds {p : ResNet.BasicBlock (Reach m) c h w k h' w'}
    {p' : ResNet.BasicBlock (Execution m N) c h w k h' w'} {eps : Reach m} {eps' : Execution m N}
    {x : Image c h w (Reach m)} {x' : Image c h w (Execution m N)} (hp : p.Alike Inside p') (he : Inside eps eps')
    (hx : Alike (Alike (Alike Inside)) x x') (ch : Fin k) (i : Fin h') :
    InBudget (p.apply eps x)[ch][i] (p'.apply eps' x')[ch][i] :=
  ((((inside_preserved hN).residualBlock hp he hx).at ch).at i).inBudget

/-- The outputs of Mamba's mixer, whose recurrence may be composed in any tree of the order class. -/
theorem mixer_holds {p : Mamba.Params D E N' R' k (Reach m)} {p' : Mamba.Params D E N' R' k (Execution m N)}
    {xs : List (Vector (Reach m) D)} {xs' : List (Vector (Execution m N) D)} (hp : p.Alike Inside p')
    (hx : Each (Alike Inside) xs xs') : Each InBudget (Mamba.mixer p xs) (Mamba.mixer p' xs') :=
  ((inside_preserved hN).mambaMixer hp hx).imp fun _ _ h => h.inBudget

/-- The outputs of a layer of Elman's cells. -/
theorem rnn_holds {p : Gate E H (Reach m)} {p' : Gate E H (Execution m N)} {state : Vector (Reach m) H}
    {state' : Vector (Execution m N) H} {xs : List (Vector (Reach m) E)} {xs' : List (Vector (Execution m N) E)}
    (hp : p.Alike Inside p') (hs : Alike Inside state state') (hx : Each (Alike Inside) xs xs') :
    Each InBudget (rnn p state xs) (rnn p' state' xs') :=
  ((inside_preserved hN).rnn hp hs hx).imp fun _ _ h => h.inBudget

/-- The outputs of an LSTM. -/
theorem lstm_holds {p : LSTM E H (Reach m)} {p' : LSTM E H (Execution m N)} {state : LSTMState H (Reach m)}
    {state' : LSTMState H (Execution m N)} {xs : List (Vector (Reach m) E)} {xs' : List (Vector (Execution m N) E)}
    (hp : p.Alike Inside p') (hs : state.Alike Inside state') (hx : Each (Alike Inside) xs xs') :
    Each InBudget (p.layer state xs) (p'.layer state' xs') :=
  ((inside_preserved hN).lstm hp hs hx).imp fun _ _ h => h.inBudget

/-- The outputs of a GRU, in either convention. -/
theorem gru_holds {p : GRU E H (Reach m)} {p' : GRU E H (Execution m N)} (reset : Reset) {state : Vector (Reach m) H}
    {state' : Vector (Execution m N) H} {xs : List (Vector (Reach m) E)} {xs' : List (Vector (Execution m N) E)}
    (hp : p.Alike Inside p') (hs : Alike Inside state state') (hx : Each (Alike Inside) xs xs') :
    Each InBudget (p.layer reset state xs) (p'.layer reset state' xs') :=
  ((inside_preserved hN).gru hp reset hs hx).imp fun _ _ h => h.inBudget

end Spec
