module
public import Spec.Check.Point
public import Spec.Law.Preserved

/-!
# Spec points keep what every operation keeps

A spec point reads recorded tensors and evaluates a layer. Run on two scalars that are related, it either fails with the same words
on both, or makes predictions of one shape whose entries are related.
-/

@[expose] public noncomputable section
namespace Spec
variable {α β γ : Type} {R : α → β → Prop}

/-- The same error, or results that are related. -/
inductive Agree {δ ε : Type} (Q : δ → ε → Prop) : Except String δ → Except String ε → Prop
  | error (e : String) : Agree Q (.error e) (.error e)
  | ok {a : δ} {b : ε} (h : Q a b) : Agree Q (.ok a) (.ok b)

namespace Agree
variable {δ ε κ η : Type} {Q : δ → ε → Prop} {S : κ → η → Prop}

theorem bind {x : Except String δ} {y : Except String ε} {f : δ → Except String κ} {g : ε → Except String η}
    (h : Agree Q x y) (hf : ∀ a b, Q a b → Agree S (f a) (g b)) : Agree S (x >>= f) (y >>= g) := by
  cases h with
  | error e => exact .error e
  | ok h => exact hf _ _ h

/-- One and the same first step. -/
theorem same {x : Except String γ} {f : γ → Except String κ} {g : γ → Except String η}
    (hf : ∀ a, Agree S (f a) (g a)) : Agree S (x >>= f) (x >>= g) := by
  cases x with
  | error e => exact .error e
  | ok a => exact hf a

theorem ite {c : Prop} [Decidable c] {x x' : Except String δ} {y y' : Except String ε} (h : c → Agree Q x y)
    (h' : ¬c → Agree Q x' y') : Agree Q (if c then x else x') (if c then y else y') := by
  split
  · exact h ‹_›
  · exact h' ‹_›

end Agree

/-- Predictions of one shape, in blocks of one size, whose entries are related. -/
structure Prediction.Alike (R : α → β → Prop) (p : Prediction α) (q : Prediction β) : Prop where
  /-- The shapes are equal. -/
  shape : p.shape = q.shape
  /-- The sizes of the blocks are. -/
  size : p.size = q.size
  /-- The entries are related. -/
  block (i : Nat) : Each R (p.block i).toList (q.block i).toList

/-- Both have an entry at a place, and they are related, or neither has one. -/
theorem Prediction.Alike.entry {p : Prediction α} {q : Prediction β} (h : p.Alike R q) (b i : Nat) :
    ((p.block b)[i]? = none ∧ (q.block b)[i]? = none) ∨
      ∃ x y, (p.block b)[i]? = some x ∧ (q.block b)[i]? = some y ∧ R x y := by
  have h := (h.block b).getElem? i
  simpa only [Array.getElem?_toList] using h

/-- Recorded numbers are related. -/
def Reads [Recorded α] [Recorded β] (R : α → β → Prop) : Prop :=
  ∀ name i x, R (Recorded.read name i x) (Recorded.read name i x)

/-- Whatever relation every operation keeps, the spec point keeps. -/
def Parametric (point : Point) : Prop :=
  ∀ {α β : Type} [Scalar α] [Scalar β] [Recorded α] [Recorded β] {R : α → β → Prop}, Preserved R → Reads R →
    ∀ r, Agree (Prediction.Alike R) (point α r) (point β r)

section Tensors
variable [Recorded α] [Recorded β] (hR : Reads R) (t : Tensor)
include hR

theorem Reads.entry (i : Nat) : R (t.entry i) (t.entry i) := hR _ _ _

theorem Reads.vec (n : Nat) (offset : Nat := 0) : Alike R (t.vec n offset) (t.vec n offset) :=
  alike_build fun _ => hR.entry t _

theorem Reads.mat (r c : Nat) (offset : Nat := 0) : Alike (Alike R) (t.mat r c offset) (t.mat r c offset) :=
  alike_build fun _ => hR.vec t _ _

theorem Reads.image (c h w : Nat) (offset : Nat := 0) :
    Alike (Alike (Alike R)) (t.image c h w offset) (t.image c h w offset) :=
  alike_build fun _ => hR.mat t _ _ _

theorem Reads.kernels (k c h w : Nat) :
    Alike (Alike (Alike (Alike R))) (t.kernels k c h w) (t.kernels k c h w) :=
  alike_build fun _ => hR.image t _ _ _ _

theorem Reads.rows (l n : Nat) (offset : Nat := 0) : Each (Alike R) (t.rows l n offset) (t.rows l n offset) :=
  .entries fun _ => hR.vec t _ _

end Tensors

namespace Point

/-- One entry. -/
theorem each_one {x : α} {y : β} (h : R x y) : Each R (#[x] : Array α).toList (#[y] : Array β).toList := .cons h .nil

theorem each_push {xs : List α} {ys : List β} (hs : Each R xs ys) {acc : Array α} {acc' : Array β}
    (h : Each R acc.toList acc'.toList) :
    Each R (xs.foldl (init := acc) fun a x => a.push x).toList (ys.foldl (init := acc') fun a x => a.push x).toList := by
  refine hs.foldl (S := fun (a : Array α) (b : Array β) => Each R a.toList b.toList) (fun a b x y h hx => ?_) h
  show Each R (a.push x).toList (b.push y).toList
  rw [Array.toList_push, Array.toList_push]
  exact Each.append h (.cons hx .nil)

variable {n r c h w : Nat}

theorem each_pushVec {x : Vector α n} {y : Vector β n} (hx : Alike R x y) {acc : Array α} {acc' : Array β}
    (h : Each R acc.toList acc'.toList) : Each R (pushVec acc x).toList (pushVec acc' y).toList :=
  each_push (.entries fun i => hx.at i) h

theorem each_pushMat {x : Mat r c α} {y : Mat r c β} (hx : Alike (Alike R) x y) {acc : Array α} {acc' : Array β}
    (h : Each R acc.toList acc'.toList) : Each R (pushMat acc x).toList (pushMat acc' y).toList :=
  (Each.entries fun i => hx.at i).foldl (S := fun (a : Array α) (b : Array β) => Each R a.toList b.toList)
    (fun _ _ _ _ h hx => each_pushVec hx h) h

theorem each_vec {x : Vector α n} {y : Vector β n} (hx : Alike R x y) : Each R (flatVec x).toList (flatVec y).toList :=
  each_pushVec hx .nil

theorem each_mat {x : Mat r c α} {y : Mat r c β} (hx : Alike (Alike R) x y) :
    Each R (flatMat x).toList (flatMat y).toList :=
  each_pushMat hx .nil

theorem each_image {x : Image c h w α} {y : Image c h w β} (hx : Alike (Alike (Alike R)) x y) :
    Each R (flatImage x).toList (flatImage y).toList :=
  (Each.entries fun i => hx.at i).foldl (S := fun (a : Array α) (b : Array β) => Each R a.toList b.toList)
    (fun _ _ _ _ h hx => each_pushMat hx h) .nil

theorem each_rows {xs : List (Vector α n)} {ys : List (Vector β n)} (hx : Each (Alike R) xs ys) :
    Each R (flatRows xs).toList (flatRows ys).toList :=
  hx.foldl (S := fun (a : Array α) (b : Array β) => Each R a.toList b.toList) (fun _ _ _ _ h hx => each_pushVec hx h) .nil

theorem each_mats {xs : List (Mat r c α)} {ys : List (Mat r c β)} (hx : Each (Alike (Alike R)) xs ys) :
    Each R (flatMats xs).toList (flatMats ys).toList :=
  hx.foldl (S := fun (a : Array α) (b : Array β) => Each R a.toList b.toList) (fun _ _ _ _ h hx => each_pushMat hx h) .nil

theorem perEntry_parametric {f : {α : Type} → [Scalar α] → α → α}
    (hf : ∀ {α β : Type} [Scalar α] [Scalar β] {R : α → β → Prop}, Preserved R → ∀ {x y}, R x y → R (f x) (f y)) :
    Parametric (perEntry f) := fun hR hr _ =>
  .same fun x => .ok ⟨rfl, rfl, fun i => each_one (hf hR (hr.entry x i))⟩

theorem perPair_parametric {f : {α : Type} → [Scalar α] → α → α → α}
    (hf : ∀ {α β : Type} [Scalar α] [Scalar β] {R : α → β → Prop}, Preserved R →
      ∀ {x x' y y'}, R x x' → R y y' → R (f x y) (f x' y')) :
    Parametric (perPair f) := fun hR hr _ =>
  .same fun x => .same fun y => .ok ⟨rfl, rfl, fun i => each_one (hf hR (hr.entry x i) (hr.entry y i))⟩

theorem linearLayer_parametric : Parametric linearLayer := fun hR hr _ => by
  refine .same fun x => .same fun w => ?_
  split
  · refine .ite (fun _ => .ite (fun _ => ?_) fun _ => ?_) fun _ => .error _
    · exact .same fun b => .ok ⟨rfl, rfl, fun i => each_one (hR.affine (hr.entry b _) (hr.vec w _ _) (hr.vec x _ _))⟩
    · exact .ok ⟨rfl, rfl, fun i => each_one (hR.inner (hr.vec w _ _) (hr.vec x _ _))⟩
  · exact .error _

end Point
end Spec
