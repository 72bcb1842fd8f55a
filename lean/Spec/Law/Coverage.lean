module
public import Spec.Check.Coverage
public import Spec.Law.Contains
public import Spec.Law.Point
public import Spec.Law.Shared

/-!
# Marks change no verdict

A specification that is evaluated with marks has the values that it has without. The side of a maximum that is marked is
the larger one.
-/

@[expose] public noncomputable section
namespace Spec
variable {m : Rounding}

/-- A number with whatever marks. -/
def Marked.Is (y : Marked m) (x : Reach m) : Prop := y.value = x

namespace Marked

theorem map_values {ys : List (Marked m)} {xs : List (Reach m)} (h : Each Is ys xs) :
    (ys.map fun y => y.value) = xs := by
  induction h with
  | nil => rfl
  | cons h _ ih => rw [List.map_cons, ih, h]

theorem map_pairs {ps : List (Marked m × Marked m)} {qs : List (Reach m × Reach m)}
    (h : Each (fun p q => Is p.1 q.1 ∧ Is p.2 q.2) ps qs) : (ps.map fun p => (p.1.value, p.2.value)) = qs := by
  induction h with
  | nil => rfl
  | cons h _ ih => rw [List.map_cons, ih, h.1, h.2]

end Marked

/-- Every operation computes with marks the value that it computes without. -/
theorem marked_preserved : Preserved (Marked.Is (m := m)) where
  add h h' := congr (congrArg HAdd.hAdd h) h'
  sub h h' := congr (congrArg HSub.hSub h) h'
  mul h h' := congr (congrArg HMul.hMul h) h'
  div h h' := congr (congrArg HDiv.hDiv h) h'
  neg h := congrArg Neg.neg h
  max h h' := congr (congrArg Max.max h) h'
  const _ _ := rfl
  sum h := congrArg Scalar.sum (Marked.map_values h)
  dot h := congrArg Scalar.dot (Marked.map_pairs h)
  squares h := congrArg Scalar.squares (Marked.map_values h)
  step ha hh hb := congr (congr (congrArg Scalar.step ha) hh) hb
  exp h := congrArg Scalar.exp h
  sqrt h := congrArg Scalar.sqrt h
  sigmoid h := congrArg Scalar.sigmoid h
  tanh h := congrArg Scalar.tanh h
  softplus h := congrArg Scalar.softplus h
  silu h := congrArg Scalar.silu h
  gelu h := congrArg Scalar.gelu h
  either h h' := congr (congrArg Scalar.either h) h'

theorem Prediction.unmarked_eq {ys : Array (Marked m)} {xs : Array (Reach m)} (h : Each Marked.Is ys.toList xs.toList) :
    unmarked ys = xs := by
  have push (zs : List (Marked m)) (acc : Array (Reach m)) :
      (zs.foldl (fun a x => a.push x.value) acc).toList = acc.toList ++ zs.map fun y => y.value := by
    induction zs generalizing acc with
    | nil => simp
    | cons z zs => simp
  apply Array.toList_inj.mp
  rw [← Marked.map_values h, unmarked, push, entries_eq_ofFn]
  congr 1
  apply List.ext_getElem <;> simp

/-- What is judged after an evaluation with marks is the prediction of the specification itself, at every spec point. -/
theorem values_eq {point : Point} (h : Parametric point) (r : Request) :
    (point (Marked m) r).map Prediction.values = point (Reach m) r := by
  have agree := h (marked_preserved (m := m)) (fun _ _ _ => rfl) r
  generalize point (Marked m) r = a at agree ⊢
  generalize point (Reach m) r = b at agree ⊢
  cases agree with
  | error e => rfl
  | @ok p q h =>
    show Except.ok p.values = Except.ok q
    obtain ⟨shape, size, block⟩ := p
    obtain ⟨shape', size', block'⟩ := q
    obtain rfl : shape = shape' := h.shape
    obtain rfl : size = size' := h.size
    have hb : (fun i => Prediction.unmarked (block i)) = block' := funext fun i => Prediction.unmarked_eq (h.block i)
    show Except.ok (⟨shape, size, fun i => Prediction.unmarked (block i)⟩ : Prediction (Reach m)) = _
    rw [hb]

namespace Marked
open Lean.Grind Std
variable {K : Type} [Field K] [LE K] [IsLinearOrder K] {N : Numbers K} {r s : Reach m} {x y : K}

/-- Where the first side of a maximum is marked, its exact value is the larger one. -/
theorem lt_of_side_first (h : side r s = 0) (hx : Contains N r x) (hy : Contains N s y) : ¬ x ≤ y := by
  unfold side at h
  split at h
  · rename_i hok
    have hok := Bool.and_eq_true _ _ ▸ hok
    split at h
    · rename_i hlt
      intro hle
      have := N.ofRat_le.mp (IsPreorder.le_trans _ _ _ (hx hok.1).1 (IsPreorder.le_trans _ _ _ hle (hy hok.2).2))
      have := Dyadic.toRat_lt_toRat_iff.mpr hlt
      grind
    · split at h <;> cases h
  · cases h

/-- Where the second side is marked, so is its. -/
theorem lt_of_side_second (h : side r s = 1) (hx : Contains N r x) (hy : Contains N s y) : ¬ y ≤ x := by
  unfold side at h
  split at h
  · rename_i hok
    have hok := Bool.and_eq_true _ _ ▸ hok
    split at h
    · cases h
    · split at h
      · rename_i hlt
        intro hle
        have := N.ofRat_le.mp (IsPreorder.le_trans _ _ _ (hy hok.2).1 (IsPreorder.le_trans _ _ _ hle (hx hok.1).2))
        have := Dyadic.toRat_lt_toRat_iff.mpr hlt
        grind
      · cases h
  · cases h

end Marked
end Spec
