module
public import Spec.Num.Scalar
public import Spec.Law.Each
public import Spec.Layer.Attention
public import Spec.Layer.BatchNorm
public import Spec.Layer.Pool
public import Spec.Layer.RmsNorm

/-!
# Layers keep what every operation keeps

Two scalars that are related, for example an interval and a number in it: if every operation maps related numbers to
related numbers, so does every layer that is written with them. Nothing is proved of a layer twice.
-/

@[expose] public noncomputable section
namespace Spec
variable {α β : Type} [Scalar α] [Scalar β]

/-- Every operation maps related numbers to related numbers. -/
structure Preserved (R : α → β → Prop) : Prop where
  /-- `x + y`. -/
  add {x y : α} {x' y' : β} : R x x' → R y y' → R (x + y) (x' + y')
  /-- `x - y`. -/
  sub {x y : α} {x' y' : β} : R x x' → R y y' → R (x - y) (x' - y')
  /-- `x y`. -/
  mul {x y : α} {x' y' : β} : R x x' → R y y' → R (x * y) (x' * y')
  /-- `x / y`. -/
  div {x y : α} {x' y' : β} : R x x' → R y y' → R (x / y) (x' / y')
  /-- `-x`. -/
  neg {x : α} {x' : β} : R x x' → R (-x) (-x')
  /-- `max x y`. -/
  max {x y : α} {x' y' : β} : R x x' → R y y' → R (Max.max x y) (Max.max x' y')
  /-- Constants. -/
  const (n : Int) (d : Nat) : R (Scalar.const n d) (Scalar.const n d)
  /-- `Σ xᵢ`. -/
  sum {xs : List α} {xs' : List β} : Each R xs xs' → R (Scalar.sum xs) (Scalar.sum xs')
  /-- `Σ xᵢ yᵢ`. -/
  dot {ps : List (α × α)} {ps' : List (β × β)} :
    Each (fun p p' => R p.1 p'.1 ∧ R p.2 p'.2) ps ps' → R (Scalar.dot ps) (Scalar.dot ps')
  /-- `Σ xᵢ²`. -/
  squares {xs : List α} {xs' : List β} : Each R xs xs' → R (Scalar.squares xs) (Scalar.squares xs')
  /-- `a h + b`. -/
  step {a h b : α} {a' h' b' : β} : R a a' → R h h' → R b b' → R (Scalar.step a h b) (Scalar.step a' h' b')
  /-- `exp x`. -/
  exp {x : α} {x' : β} : R x x' → R (Scalar.exp x) (Scalar.exp x')
  /-- `√x`. -/
  sqrt {x : α} {x' : β} : R x x' → R (Scalar.sqrt x) (Scalar.sqrt x')
  /-- The logistic function. -/
  sigmoid {x : α} {x' : β} : R x x' → R (Scalar.sigmoid x) (Scalar.sigmoid x')
  /-- `tanh x`. -/
  tanh {x : α} {x' : β} : R x x' → R (Scalar.tanh x) (Scalar.tanh x')
  /-- Softplus. -/
  softplus {x : α} {x' : β} : R x x' → R (Scalar.softplus x) (Scalar.softplus x')
  /-- SiLU. -/
  silu {x : α} {x' : β} : R x x' → R (Scalar.silu x) (Scalar.silu x')
  /-- GELU. -/
  gelu {x : α} {x' : β} : R x x' → R (Scalar.gelu x) (Scalar.gelu x')
  /-- Two readings of one value. -/
  either {x y : α} {x' y' : β} : R x x' → R y y' → R (Scalar.either x y) (Scalar.either x' y')

namespace Preserved
variable {R : α → β → Prop} (hR : Preserved R) {c h w k m n r s H S T d : Nat}
include hR

theorem int (i : Int) : R (Scalar.int i) (Scalar.int i) := hR.const i 1

theorem zero : R Scalar.zero Scalar.zero := hR.const 0 1

theorem inner {x y : Vector α n} {x' y' : Vector β n} (hx : Alike R x x') (hy : Alike R y y') :
    R (Scalar.inner x y) (Scalar.inner x' y') :=
  hR.dot (.entries fun i => ⟨hx.at i, hy.at i⟩)

theorem normSq {x : Vector α n} {x' : Vector β n} (hx : Alike R x x') : R (Scalar.normSq x) (Scalar.normSq x') :=
  hR.squares (.entries fun i => hx.at i)

theorem affine {b : α} {b' : β} {x y : Vector α n} {x' y' : Vector β n} (hb : R b b') (hx : Alike R x x')
    (hy : Alike R y y') : R (Scalar.affine b x y) (Scalar.affine b' x' y') :=
  hR.dot (.cons ⟨hb, hR.int 1⟩ (.entries fun i => ⟨hx.at i, hy.at i⟩))

theorem linear {w : Mat m n α} {w' : Mat m n β} {x : Vector α n} {x' : Vector β n} (hw : Alike (Alike R) w w')
    (hx : Alike R x x') : Alike R (linear w x) (linear w' x') :=
  alike_build fun i => hR.inner (hw.at i) hx

theorem linearBias {w : Mat m n α} {w' : Mat m n β} {b : Vector α m} {b' : Vector β m} {x : Vector α n}
    {x' : Vector β n} (hw : Alike (Alike R) w w') (hb : Alike R b b') (hx : Alike R x x') :
    Alike R (linearBias w b x) (linearBias w' b' x') :=
  alike_build fun i => hR.affine (hb.at i) (hw.at i) hx

theorem addVec {x y : Vector α n} {x' y' : Vector β n} (hx : Alike R x x') (hy : Alike R y y') :
    Alike R (Spec.add x y) (Spec.add x' y') :=
  alike_build fun i => hR.add (hx.at i) (hy.at i)

end Preserved

theorem Alike.mapVec {γ δ ι κ : Type} {P : γ → δ → Prop} {Q : ι → κ → Prop} {f : γ → ι} {g : δ → κ} {n : Nat}
    {x : Vector γ n} {y : Vector δ n} (h : ∀ a b, P a b → Q (f a) (g b)) (hx : Alike P x y) :
    Alike Q (mapVec f x) (mapVec g y) :=
  alike_build fun i => h _ _ (hx.at i)

namespace Preserved
variable {R : α → β → Prop} (hR : Preserved R) {c h w k m n r s H S T d : Nat}
include hR

/-! ### Normalizations -/

theorem average (n : Nat) {x : α} {x' : β} (hx : R x x') : R (average n x) (average n x') :=
  hR.either (hR.div hx (hR.int _)) (hR.mul hx (hR.const _ _))

theorem ratio {x s : α} {x' s' : β} (hx : R x x') (hs : R s s') : R (ratio x s) (ratio x' s') :=
  hR.either (hR.div hx hs) (hR.mul hx (hR.div (hR.int 1) hs))

theorem centred {x : Vector α n} {x' : Vector β n} (hx : Alike R x x') : Alike R (centred x) (centred x') :=
  alike_build fun i => hR.sub (hx.at i) (hR.average n (hR.sum (.entries fun i => hx.at i)))

theorem layerNorm {w b x : Vector α n} {w' b' x' : Vector β n} {eps : α} {eps' : β} (hw : Alike R w w')
    (hb : Alike R b b') (he : R eps eps') (hx : Alike R x x') :
    Alike R (layerNorm w b eps x) (layerNorm w' b' eps' x') := by
  have hc := hR.centred hx
  exact alike_build fun i =>
    hR.add (hR.mul (hR.ratio (hc.at i) (hR.sqrt (hR.add (hR.average n (hR.normSq hc)) he))) (hw.at i)) (hb.at i)

theorem rmsNorm {w x : Vector α n} {w' x' : Vector β n} {eps : α} {eps' : β} (hw : Alike R w w') (he : R eps eps')
    (hx : Alike R x x') : Alike R (rmsNorm w eps x) (rmsNorm w' eps' x') := by
  have h := hR.normSq hx
  have hs : R (rms eps x) (rms eps' x') :=
    hR.sqrt (hR.add (hR.either (hR.div h (hR.int _)) (hR.mul h (hR.const _ _))) he)
  exact alike_build fun i => hR.either (hR.mul (hR.div (hx.at i) hs) (hw.at i))
    (hR.mul (hR.mul (hx.at i) (hR.div (hR.int 1) hs)) (hw.at i))

theorem batchNormAt {eps mean var weight bias x : α} {eps' mean' var' weight' bias' x' : β} (he : R eps eps')
    (hm : R mean mean') (hv : R var var') (hw : R weight weight') (hb : R bias bias') (hx : R x x') :
    R (batchNormAt eps mean var weight bias x) (batchNormAt eps' mean' var' weight' bias' x') := by
  have hs := hR.sqrt (hR.add hv he)
  have hi := hR.div (hR.int 1) hs
  have hc := hR.sub hx hm
  have folded {a : α} {a' : β} (ha : R a a') := hR.add (hR.mul hx ha) (hR.sub hb (hR.mul hm ha))
  refine Each.foldl (R := R) (S := R) (f := Scalar.either) (g := Scalar.either) (fun _ _ _ _ => hR.either) ?_
    (hR.add (hR.mul (hR.div hc hs) hw) hb)
  exact .cons (hR.add (hR.mul (hR.mul hc hi) hw) hb) (.cons (hR.add (hR.mul (hR.mul hc hw) hi) hb)
    (.cons (hR.add (hR.mul hc (hR.mul hw hi)) hb) (.cons (hR.add (hR.mul hc (hR.div hw hs)) hb)
      (.cons (folded (hR.mul hw hi)) (.cons (folded (hR.div hw hs)) .nil)))))

end Preserved

/-- Batch normalizations whose statistics and parameters are related. -/
structure BatchNorm.Alike {c : Nat} (R : α → β → Prop) (p : BatchNorm c α) (p' : BatchNorm c β) : Prop where
  /-- The means are. -/
  mean : Spec.Alike R p.mean p'.mean
  /-- The variances are. -/
  var : Spec.Alike R p.var p'.var
  /-- The scales are. -/
  weight : Spec.Alike R p.weight p'.weight
  /-- The shifts are. -/
  bias : Spec.Alike R p.bias p'.bias

namespace Preserved
variable {R : α → β → Prop} (hR : Preserved R) {c h w k m n r s H S T d : Nat}
include hR

theorem batchNorm {p : BatchNorm c α} {p' : BatchNorm c β} {eps : α} {eps' : β} {x : Image c h w α}
    {x' : Image c h w β} (hp : p.Alike R p') (he : R eps eps') (hx : Alike (Alike (Alike R)) x x') :
    Alike (Alike (Alike R)) (batchNorm p eps x) (batchNorm p' eps' x') :=
  alike_build fun ch => alike_build fun i => alike_build fun j => hR.batchNormAt he (hp.mean.at ch) (hp.var.at ch)
    (hp.weight.at ch) (hp.bias.at ch) (((hx.at ch).at i).at j)

/-! ### Convolution and pooling of images -/

theorem conv2dAt {weight : Vector (Image c r s α) k} {weight' : Vector (Image c r s β) k} {x : Image c h w α}
    {x' : Image c h w β} (hw : Alike (Alike (Alike (Alike R))) weight weight') (hx : Alike (Alike (Alike R)) x x')
    (stride padding : Nat) (o : Fin k) (i j : Nat) :
    R (conv2dAt weight x stride padding o i j) (conv2dAt weight' x' stride padding o i j) :=
  hR.dot (.same (fun t => ⟨(((hw.at o).at t.1).at t.2.1.1).at t.2.2.1, ((hx.at t.1).at t.2.1.2).at t.2.2.2⟩) _)

theorem conv2d {weight : Vector (Image c r s α) k} {weight' : Vector (Image c r s β) k} {x : Image c h w α}
    {x' : Image c h w β} (hw : Alike (Alike (Alike (Alike R))) weight weight') (hx : Alike (Alike (Alike R)) x x')
    (stride padding : Nat) :
    Alike (Alike (Alike R)) (conv2d weight x stride padding) (conv2d weight' x' stride padding) :=
  alike_build fun o => alike_build fun i => alike_build fun j => hR.conv2dAt hw hx stride padding o i j

theorem channelSum {x : Mat h w α} {x' : Mat h w β} (hx : Alike (Alike R) x x') :
    R (channelSum x) (channelSum x') :=
  hR.sum (.same (fun p : Fin h × Fin w => (hx.at p.1).at p.2) _)

theorem globalMean {x : Image c h w α} {x' : Image c h w β} (hx : Alike (Alike (Alike R)) x x') :
    Alike R (globalMean x) (globalMean x') :=
  alike_build fun ch => hR.either (hR.div (hR.channelSum (hx.at ch)) (hR.int _))
    (hR.mul (hR.channelSum (hx.at ch)) (hR.div (hR.int 1) (hR.int _)))

/-! ### Attention -/

theorem scoreRow {q : Vector α d} {q' : Vector β d} {k : Mat S d α} {k' : Mat S d β} (hq : Alike R q q')
    (hk : Alike (Alike R) k k') : Alike R (scoreRow q k) (scoreRow q' k') := by
  have root := hR.sqrt (hR.int (Int.ofNat d))
  exact alike_build fun s => hR.either (hR.ratio (hR.inner hq (hk.at s)) root)
    (hR.inner (hq.mapVec fun _ _ hx => hR.ratio hx root) (hk.at s))

theorem largest {xs : List α} {xs' : List β} (hx : Each R xs xs') : R (largest xs) (largest xs') := by
  cases hx with
  | nil => exact hR.zero
  | cons h hs => exact hs.foldl (fun _ _ _ _ => hR.max) h

theorem softmax {x : Vector α n} {x' : Vector β n} (hx : Alike R x x') : Alike R (softmax x) (softmax x') := by
  have e : Alike R (build n fun i => Scalar.exp (x[i] - Spec.largest (entries n fun i => x[i])))
      (build n fun i => Scalar.exp (x'[i] - Spec.largest (entries n fun i => x'[i]))) :=
    alike_build fun i => hR.exp (hR.sub (hx.at i) (hR.largest (.entries fun i => hx.at i)))
  exact alike_build fun i => hR.ratio (e.at i) (hR.sum (.entries fun i => e.at i))

theorem mixRow {w : Vector α S} {w' : Vector β S} {v : Mat S d α} {v' : Mat S d β} (hw : Alike R w w')
    (hv : Alike (Alike R) v v') : Alike R (mixRow w v) (mixRow w' v') :=
  alike_build fun j => hR.inner hw (alike_build fun s => (hv.at s).at j)

theorem attend {q : Mat T d α} {q' : Mat T d β} {k v : Mat S d α} {k' v' : Mat S d β} (hq : Alike (Alike R) q q')
    (hk : Alike (Alike R) k k') (hv : Alike (Alike R) v v') :
    Alike (Alike R) (attend q k v) (attend q' k' v') :=
  ((hq.mapVec fun _ _ h => hR.scoreRow h hk).mapVec fun _ _ h => hR.softmax h).mapVec fun _ _ h => hR.mixRow h hv

end Preserved
end Spec
