module
public import Spec.Layer.Fourier

/-!
# Complex numbers are a commutative ring

Over any commutative ring in the place of the real numbers.
-/

@[expose] public noncomputable section
namespace Spec.Pair
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast
variable {α : Type} [CommRing α]

omit [CommRing α] in
theorem ext {x y : Pair α} (re : x.re = y.re) (im : x.im = y.im) : x = y := by
  cases x; cases y; simp_all

instance : Add (Pair α) := ⟨fun x y => ⟨x.re + y.re, x.im + y.im⟩⟩
instance : Mul (Pair α) := ⟨fun x y => ⟨x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re⟩⟩
instance : Neg (Pair α) := ⟨fun x => ⟨-x.re, -x.im⟩⟩
instance : Sub (Pair α) := ⟨fun x y => ⟨x.re - y.re, x.im - y.im⟩⟩
instance : NatCast (Pair α) := ⟨fun n => ⟨n, 0⟩⟩
instance : IntCast (Pair α) := ⟨fun i => ⟨i, 0⟩⟩
instance (n : Nat) : OfNat (Pair α) n := ⟨⟨OfNat.ofNat n, 0⟩⟩
instance : SMul Nat (Pair α) := ⟨fun n x => (n : Pair α) * x⟩
instance : SMul Int (Pair α) := ⟨fun i x => (i : Pair α) * x⟩
instance : HPow (Pair α) Nat (Pair α) := ⟨fun x n => n.rec 1 fun _ y => y * x⟩

@[simp] theorem re_add (x y : Pair α) : (x + y).re = x.re + y.re := rfl
@[simp] theorem im_add (x y : Pair α) : (x + y).im = x.im + y.im := rfl
@[simp] theorem re_mul (x y : Pair α) : (x * y).re = x.re * y.re - x.im * y.im := rfl
@[simp] theorem im_mul (x y : Pair α) : (x * y).im = x.re * y.im + x.im * y.re := rfl
@[simp] theorem re_neg (x : Pair α) : (-x).re = -x.re := rfl
@[simp] theorem im_neg (x : Pair α) : (-x).im = -x.im := rfl
@[simp] theorem re_sub (x y : Pair α) : (x - y).re = x.re - y.re := rfl
@[simp] theorem im_sub (x y : Pair α) : (x - y).im = x.im - y.im := rfl
@[simp] theorem re_natCast (n : Nat) : (n : Pair α).re = n := rfl
@[simp] theorem im_natCast (n : Nat) : (n : Pair α).im = 0 := rfl
@[simp] theorem re_intCast (i : Int) : (i : Pair α).re = i := rfl
@[simp] theorem im_intCast (i : Int) : (i : Pair α).im = 0 := rfl
@[simp] theorem re_zero : (0 : Pair α).re = 0 := rfl
@[simp] theorem im_zero : (0 : Pair α).im = 0 := rfl
@[simp] theorem re_one : (1 : Pair α).re = 1 := rfl
@[simp] theorem im_one : (1 : Pair α).im = 0 := rfl

instance : CommRing (Pair α) where
  add_zero x := ext (by simp only [re_add, re_zero]; grind) (by simp only [im_add, im_zero]; grind)
  add_comm x y := ext (by simp only [re_add]; grind) (by simp only [im_add]; grind)
  add_assoc x y z := ext (by simp only [re_add]; grind) (by simp only [im_add]; grind)
  mul_assoc x y z := ext (by simp only [re_mul, im_mul]; grind) (by simp only [re_mul, im_mul]; grind)
  mul_one x := ext (by simp only [re_mul, re_one, im_one]; grind) (by simp only [im_mul, re_one, im_one]; grind)
  one_mul x := ext (by simp only [re_mul, re_one, im_one]; grind) (by simp only [im_mul, re_one, im_one]; grind)
  mul_comm x y := ext (by simp only [re_mul]; grind) (by simp only [im_mul]; grind)
  left_distrib x y z := ext (by simp only [re_mul, re_add, im_add]; grind) (by simp only [im_mul, re_add, im_add]; grind)
  right_distrib x y z := ext (by simp only [re_mul, re_add, im_add]; grind) (by simp only [im_mul, re_add, im_add]; grind)
  mul_zero x := ext (by simp only [re_mul, re_zero, im_zero]; grind) (by simp only [im_mul, re_zero, im_zero]; grind)
  zero_mul x := ext (by simp only [re_mul, re_zero, im_zero]; grind) (by simp only [im_mul, re_zero, im_zero]; grind)
  pow_zero _ := rfl
  pow_succ _ _ := rfl
  ofNat_succ n := ext (Semiring.ofNat_succ n) (by show (0 : α) = 0 + 0; grind)
  ofNat_eq_natCast n := ext (Semiring.ofNat_eq_natCast n) rfl
  nsmul_eq_natCast_mul _ _ := rfl
  neg_add_cancel x := ext (by simp only [re_add, re_neg, re_zero]; grind) (by simp only [im_add, im_neg, im_zero]; grind)
  sub_eq_add_neg x y := ext (by simp only [re_sub, re_add, re_neg]; grind) (by simp only [im_sub, im_add, im_neg]; grind)
  neg_zsmul i x := by
    show ((-i : Int) : Pair α) * x = -((i : Pair α) * x)
    apply ext
    · simp only [re_mul, re_neg, re_intCast, im_intCast, Ring.intCast_neg]; grind
    · simp only [im_mul, im_neg, re_intCast, im_intCast, Ring.intCast_neg]; grind
  zsmul_natCast_eq_nsmul n x := by
    show ((n : Int) : Pair α) * x = (n : Pair α) * x
    exact congrArg (· * x) (ext (Ring.intCast_natCast n) rfl)
  intCast_ofNat n := ext (Ring.intCast_ofNat n) rfl
  intCast_neg i := ext (Ring.intCast_neg i) (by show (0 : α) = -0; grind)

@[simp] theorem re_conj (x : Pair α) : x.conj.re = x.re := rfl
@[simp] theorem im_conj (x : Pair α) : x.conj.im = -x.im := rfl

theorem conj_conj (x : Pair α) : x.conj.conj = x := ext rfl (by simp only [im_conj]; grind)

theorem conj_mul (x y : Pair α) : (x * y).conj = x.conj * y.conj :=
  ext (by simp only [re_conj, re_mul, im_conj]; grind) (by simp only [re_conj, im_mul, im_conj]; grind)

theorem conj_pow (x : Pair α) (n : Nat) : (x ^ n).conj = x.conj ^ n := by
  induction n with
  | zero => exact ext rfl (by show -(0 : α) = 0; grind)
  | succ n ih => rw [Semiring.pow_succ, Semiring.pow_succ, conj_mul, ih]

theorem re_sumTo (n : Nat) (f : Nat → Pair α) : (sumTo n f).re = sumTo n fun i => (f i).re := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [sumTo, re_add, ih]

theorem im_sumTo (n : Nat) (f : Nat → Pair α) : (sumTo n f).im = sumTo n fun i => (f i).im := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [sumTo, im_add, ih]

end Spec.Pair
