module
public import Spec.Layer.Scan
public import Spec.Law.Rounding

/-!
# Folds over the sizes of a recurrence's steps

The quantities in which the rounding error of a scan is bounded: each is a fold from the first step on, so it can be carried along a
sequence, and each is known for two parts that follow each other.
-/

@[expose] public noncomputable section
namespace Spec.Rounding
variable {u t q : Rat}

/-- `bs` bounds the sizes of the steps, one by one. -/
inductive Sizes : List (AffineStep Rat) → List (AffineStep Rat) → Prop
  | nil : Sizes [] []
  | cons {s b : AffineStep Rat} {ss bs : List (AffineStep Rat)} (ha : Bounded s.a b.a) (hb : Bounded s.b b.b)
      (h : Sizes ss bs) : Sizes (s :: ss) (b :: bs)

/-- The last state when each step also multiplies what came before by `q`. -/
def grown (q : Rat) (bs : List (AffineStep Rat)) : Rat := bs.foldl (fun h s => q * s.a * h + s.b) 0

/-- `Σ bᵢ`. -/
def inputs (bs : List (AffineStep Rat)) : Rat := bs.foldl (fun h s => h + s.b) 0

/-- `Π q max(1, aᵢ)`. -/
def weight (q : Rat) (bs : List (AffineStep Rat)) : Rat := bs.foldl (fun w s => w * (q * max 1 s.a)) 1

/-- `Π q aᵢ`. -/
def decay (q : Rat) (bs : List (AffineStep Rat)) : Rat := bs.foldl (fun w s => w * (q * s.a)) 1

/-! ### The folds over a list in two parts -/

theorem foldl_mul (f : AffineStep Rat → Rat) (w : Rat) (bs : List (AffineStep Rat)) :
    bs.foldl (fun w s => w * f s) w = w * bs.foldl (fun w s => w * f s) 1 := by
  induction bs generalizing w with
  | nil => simp only [List.foldl_nil]; grind
  | cons b bs ih =>
    simp only [List.foldl_cons]
    rw [ih (w * f b), ih (1 * f b)]
    grind

theorem decay_append (xs ys : List (AffineStep Rat)) : decay q (xs ++ ys) = decay q xs * decay q ys := by
  unfold decay
  rw [List.foldl_append, foldl_mul]

theorem weight_append (xs ys : List (AffineStep Rat)) : weight q (xs ++ ys) = weight q xs * weight q ys := by
  unfold weight
  rw [List.foldl_append, foldl_mul]

theorem foldl_grown (h : Rat) (bs : List (AffineStep Rat)) :
    bs.foldl (fun h s => q * s.a * h + s.b) h = decay q bs * h + grown q bs := by
  unfold grown
  induction bs generalizing h with
  | nil => simp only [List.foldl_nil, decay]; grind
  | cons b bs ih =>
    have hd : decay q (b :: bs) = q * b.a * decay q bs := by
      rw [← List.singleton_append, decay_append]
      simp only [decay, List.foldl_cons, List.foldl_nil]
      grind
    simp only [List.foldl_cons]
    rw [ih (q * b.a * h + b.b), ih (q * b.a * 0 + b.b), hd]
    grind

theorem grown_append (xs ys : List (AffineStep Rat)) :
    grown q (xs ++ ys) = decay q ys * grown q xs + grown q ys := by
  rw [← foldl_grown]
  unfold grown
  rw [List.foldl_append]

theorem scanFold_eq_grown (bs : List (AffineStep Rat)) : scanFold 0 bs = grown 1 bs := by
  have : (fun (h : Rat) (s : AffineStep Rat) => s.apply h) = fun h s => 1 * s.a * h + s.b := by
    funext h s
    simp only [AffineStep.apply]
    grind
  unfold scanFold grown
  rw [this]

theorem inputs_append (xs ys : List (AffineStep Rat)) : inputs (xs ++ ys) = inputs xs + inputs ys := by
  have from_any (h : Rat) (bs : List (AffineStep Rat)) : bs.foldl (fun h s => h + s.b) h = h + inputs bs := by
    unfold inputs
    induction bs generalizing h with
    | nil => simp only [List.foldl_nil]; grind
    | cons b bs ih =>
      simp only [List.foldl_cons]
      rw [ih (h + b.b), ih (0 + b.b)]
      grind
  rw [← from_any]
  unfold inputs
  rw [List.foldl_append]

theorem Sizes.split {xs ys bs : List (AffineStep Rat)} (h : Sizes (xs ++ ys) bs) :
    ∃ bl br, bs = bl ++ br ∧ Sizes xs bl ∧ Sizes ys br := by
  induction xs generalizing bs with
  | nil => exact ⟨[], bs, rfl, .nil, h⟩
  | cons x xs ih =>
    cases h with
    | cons ha hb h =>
      obtain ⟨bl, br, rfl, hl, hr⟩ := ih h
      exact ⟨_ :: bl, br, rfl, .cons ha hb hl, hr⟩

/-! ### What the folds are at most -/

theorem Sizes.inputs_nonneg {ss bs : List (AffineStep Rat)} (h : Sizes ss bs) : 0 ≤ inputs bs := by
  induction h with
  | nil => exact Rat.le_refl
  | @cons s b ss bs _ hb _ ih =>
    have := hb.nonneg
    rw [← List.singleton_append, inputs_append]
    simp only [inputs, List.foldl_cons, List.foldl_nil] at *
    grind

theorem one_le_weight (hq : 1 ≤ q) (bs : List (AffineStep Rat)) : 1 ≤ weight q bs := by
  induction bs with
  | nil => exact Rat.le_refl
  | cons b bs ih =>
    rw [← List.singleton_append, weight_append]
    generalize weight q bs = w at *
    simp only [weight, List.foldl_cons, List.foldl_nil]
    have hm : 1 ≤ max 1 b.a := by grind
    generalize max 1 b.a = m at *
    have h1 := Rat.mul_nonneg (a := q - 1) (b := m) (by grind) (by grind)
    have h2 := Rat.mul_nonneg (a := q * m - 1) (b := w) (by grind) (by grind)
    grind

theorem Sizes.decay_le {ss bs : List (AffineStep Rat)} (hq : 1 ≤ q) (h : Sizes ss bs) :
    0 ≤ decay q bs ∧ decay q bs ≤ weight q bs := by
  induction h with
  | nil => exact ⟨by simp only [decay, List.foldl_nil]; grind, Rat.le_refl⟩
  | @cons s b ss bs ha _ _ ih =>
    have h0 := ha.nonneg
    obtain ⟨h1, h2⟩ := ih
    rw [← List.singleton_append, weight_append, decay_append]
    generalize weight q bs = w at *
    generalize decay q bs = p at *
    simp only [weight, decay, List.foldl_cons, List.foldl_nil]
    have hm : b.a ≤ max 1 b.a := by grind
    generalize max 1 b.a = m at *
    have h3 := Rat.mul_nonneg (a := q) (b := b.a) (by grind) h0
    have h4 := Rat.mul_nonneg h3 h1
    have h5 := Rat.mul_nonneg h3 (b := w - p) (by grind)
    have h6 := Rat.mul_nonneg (Rat.mul_nonneg (a := q) (b := m - b.a) (by grind) (by grind)) (b := w) (by grind)
    constructor <;> grind

theorem Sizes.grown_le {ss bs : List (AffineStep Rat)} (hq : 1 ≤ q) (h : Sizes ss bs) :
    0 ≤ grown q bs ∧ grown q bs ≤ weight q bs * inputs bs := by
  induction h with
  | nil => exact ⟨Rat.le_refl, by simp only [grown, inputs, List.foldl_nil]; grind⟩
  | @cons s b ss bs ha hb h ih =>
    have h0 := hb.nonneg
    have hi := h.inputs_nonneg
    have h1 := one_le_weight hq [b]
    have h2 := one_le_weight hq bs
    obtain ⟨h3, h4⟩ := h.decay_le hq
    obtain ⟨h5, h6⟩ := ih
    have e1 : grown q [b] = b.b := by simp only [grown, List.foldl_cons, List.foldl_nil]; grind
    have e2 : inputs [b] = b.b := by simp only [inputs, List.foldl_cons, List.foldl_nil]; grind
    rw [← List.singleton_append, weight_append, grown_append, inputs_append, e1, e2]
    have h7 := Rat.mul_nonneg h3 h0
    have h8 := Rat.mul_nonneg (a := weight q bs - decay q bs) (b := b.b) (by grind) h0
    have h9 := Rat.mul_nonneg (a := weight q [b] - 1) (b := weight q bs * (b.b + inputs bs)) (by grind)
      (Rat.mul_nonneg (by grind) (by grind))
    constructor <;> grind

end Spec.Rounding
