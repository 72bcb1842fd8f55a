module
public import Spec.Num.Vec

/-!
# Entry by entry

Two lists or two vectors whose entries are related, place by place.
-/

@[expose] public noncomputable section
namespace Spec
variable {α β γ δ ε ζ ι : Type} {R : α → β → Prop} {S : γ → δ → Prop}

/-- Lists of one length whose entries are related, place by place. -/
inductive Each (R : α → β → Prop) : List α → List β → Prop
  | nil : Each R [] []
  | cons {a : α} {b : β} {xs : List α} {ys : List β} (h : R a b) (hs : Each R xs ys) : Each R (a :: xs) (b :: ys)

namespace Each

theorem length_eq {xs : List α} {ys : List β} (h : Each R xs ys) : xs.length = ys.length := by
  induction h with
  | nil => rfl
  | cons _ _ ih => simp [ih]

theorem imp {Q : α → β → Prop} (h : ∀ a b, R a b → Q a b) {xs : List α} {ys : List β} (hs : Each R xs ys) :
    Each Q xs ys := by
  induction hs with
  | nil => exact .nil
  | cons h' _ ih => exact .cons (h _ _ h') ih

theorem map {f : α → γ} {g : β → δ} (h : ∀ a b, R a b → S (f a) (g b)) {xs : List α} {ys : List β}
    (hs : Each R xs ys) : Each S (xs.map f) (ys.map g) := by
  induction hs with
  | nil => exact .nil
  | cons h' _ ih => exact .cons (h _ _ h') ih

theorem zipWith {Q : ε → ζ → Prop} {f : α → γ → ε} {g : β → δ → ζ} (h : ∀ a b c d, R a b → S c d → Q (f a c) (g b d))
    {xs : List α} {ys : List β} (hs : Each R xs ys) {us : List γ} {vs : List δ} (ht : Each S us vs) :
    Each Q (List.zipWith f xs us) (List.zipWith g ys vs) := by
  induction hs generalizing us vs with
  | nil => exact .nil
  | cons h' _ ih =>
    cases ht with
    | nil => exact .nil
    | cons h'' ht => exact .cons (h _ _ _ _ h' h'') (ih ht)

/-- One list, and two functions of its entries. -/
theorem same {f : ι → α} {g : ι → β} (h : ∀ i, R (f i) (g i)) (xs : List ι) : Each R (xs.map f) (xs.map g) := by
  induction xs with
  | nil => exact .nil
  | cons x _ ih => exact .cons (h x) ih

theorem append {xs xs' : List α} {ys ys' : List β} (h : Each R xs ys) (h' : Each R xs' ys') :
    Each R (xs ++ xs') (ys ++ ys') := by
  induction h with
  | nil => exact h'
  | cons h _ ih => exact .cons h ih

theorem foldl {f : γ → α → γ} {g : δ → β → δ} (h : ∀ s t a b, S s t → R a b → S (f s a) (g t b)) {xs : List α}
    {ys : List β} (hs : Each R xs ys) {s : γ} {t : δ} (h0 : S s t) : S (xs.foldl f s) (ys.foldl g t) := by
  induction hs generalizing s t with
  | nil => exact h0
  | cons h' _ ih => exact ih (h _ _ _ _ h0 h')

theorem entries {n : Nat} {f : Fin n → α} {g : Fin n → β} (h : ∀ i, R (f i) (g i)) :
    Each R (entries n f) (entries n g) := by
  rw [entries_eq_ofFn, entries_eq_ofFn]
  induction n with
  | zero => simp only [List.ofFn_zero]; exact .nil
  | succ n ih => rw [List.ofFn_succ, List.ofFn_succ]; exact .cons (h 0) (ih fun i => h i.succ)

theorem of_getElem {xs : List α} {ys : List β} (hl : xs.length = ys.length)
    (h : ∀ (i : Nat) (hx : i < xs.length) (hy : i < ys.length), R xs[i] ys[i]) : Each R xs ys := by
  induction xs generalizing ys with
  | nil =>
    cases ys with
    | nil => exact .nil
    | cons => cases hl
  | cons x xs ih =>
    cases ys with
    | nil => cases hl
    | cons y ys =>
      refine .cons (h 0 (by simp) (by simp)) (ih (by simpa using hl) fun i hx hy => ?_)
      exact h (i + 1) (by simpa using hx) (by simpa using hy)

theorem getElem? {xs : List α} {ys : List β} (h : Each R xs ys) (i : Nat) :
    (xs[i]? = none ∧ ys[i]? = none) ∨ ∃ x y, xs[i]? = some x ∧ ys[i]? = some y ∧ R x y := by
  induction h generalizing i with
  | nil => simp
  | cons h _ ih =>
    cases i with
    | zero => simpa using h
    | succ i => simpa using ih i

theorem getD {xs : List α} {ys : List β} (h : Each R xs ys) {a : α} {b : β} (h0 : R a b) (i : Nat) :
    R (xs.toArray.getD i a) (ys.toArray.getD i b) := by
  simp only [Array.getD_eq_getD_getElem?, List.getElem?_toArray]
  induction h generalizing i with
  | nil => simpa using h0
  | cons h _ ih =>
    cases i with
    | zero => simpa using h
    | succ i => simpa using ih i

end Each

/-- Vectors whose entries are related, place by place. -/
def Alike (R : α → β → Prop) {n : Nat} (x : Vector α n) (y : Vector β n) : Prop := ∀ (i : Nat) (h : i < n), R x[i] y[i]

theorem alike_build {n : Nat} {f : Fin n → α} {g : Fin n → β} (h : ∀ i, R (f i) (g i)) :
    Alike R (build n f) (build n g) := by
  intro i hi
  rw [getElem_build, getElem_build]
  exact h ⟨i, hi⟩

theorem Alike.at {n : Nat} {x : Vector α n} {y : Vector β n} (h : Alike R x y) (i : Fin n) : R x[i] y[i] := h i.1 i.2

end Spec
