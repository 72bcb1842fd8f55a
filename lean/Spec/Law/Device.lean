module
public import Spec.Law.Execution
public import Spec.Law.Preserved

/-!
# Devices

A device is a scalar whose operations each meet the rounding model as long as they do not overflow. What it computes, running the
text of a specification, is an execution of it: so whoever checks the operations one by one has checked every layer.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
open Rounding (States Meets Given)
open Reach (unit under Casts Sums)

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K} {δ : Type} [Scalar δ]

/-- Each operation of the device meets the rounding model, unless it can overflow or an operand is no number; `value` is the number
that one of its numbers stands for, and `none` where it is infinite or NaN. It takes the steps of a recurrence one after the other. -/
structure Device (m : Rounding) (N : Numbers K) (value : δ → Option Rat) : Prop where
  /-- Sums are rounded. -/
  add (x y : δ) : Given (value x) fun a => Given (value y) fun b => m.Rounds (a + b) (value (x + y))
  /-- Differences are. -/
  sub (x y : δ) : Given (value x) fun a => Given (value y) fun b => m.Rounds (a - b) (value (x - y))
  /-- Products are. -/
  mul (x y : δ) : Given (value x) fun a => Given (value y) fun b => m.Rounds (a * b) (value (x * y))
  /-- Quotients are, except by 0. -/
  div (x y : δ) : Given (value x) fun a => Given (value y) fun b => b ≠ 0 → m.Rounds (a / b) (value (x / y))
  /-- A sign is exact. -/
  neg (x : δ) : Given (value x) fun a => value (-x) = some (-a)
  /-- The larger of two numbers is. -/
  max (x y : δ) : Given (value x) fun a => Given (value y) fun b => value (Max.max x y) = some (Max.max a b)
  /-- Integers are, and other constants are rounded. -/
  const (n : Int) (d : Nat) :
    if d = 1 then Meets m.largest.toRat (· = n) (value (Scalar.const n d)) else m.Rounds (n / d) (value (Scalar.const n d))
  /-- The terms of a sum are read and added in a tree of the order class. -/
  sum (xs : List δ) : ∃ ys, Each (fun x y => Given (value x) fun a => Casts m a y) xs ys ∧
    ∀ zs : List Rat, ys = zs.map some → Sums m (zs.map fun z => (z, 1)) (value (Scalar.sum xs))
  /-- So are the products of a sum of products. -/
  dot (ps : List (δ × δ)) : ∃ ys, Each (fun p y => (Given (value p.1) fun a => Casts m a y.1) ∧
      Given (value p.2) fun a => Casts m a y.2) ps ys ∧
    ∀ qs : List (Rat × Rat), ys = qs.map (fun q => (some q.1, some q.2)) → Sums m qs (value (Scalar.dot ps))
  /-- The numbers whose squares are added are read once each. -/
  squares (xs : List δ) : ∃ ys, Each (fun x y => Given (value x) fun a => Casts m a y) xs ys ∧
    ∀ zs : List Rat, ys = zs.map some → Sums m (zs.map fun z => (z, z)) (value (Scalar.squares xs))
  /-- A step of a recurrence rounds its product, or not, and its sum. -/
  step (a h b : δ) : ∃ p, (Given (value a) fun x => Given (value h) fun s => m.Rounds (x * s) p) ∧
    Given p fun p => Given (value b) fun y => m.Rounds (p + y) (value (Scalar.step a h b))
  /-- The exponential function is off by so many units in the last place. -/
  exp (x : δ) : Given (value x) fun a =>
    m.Misses N ((2 * m.expUlp : Nat) * unit m) (under m + 0) (N.exp (N.ofRat a)) (value (Scalar.exp x))
  /-- So is the root, where it is defined. -/
  sqrt (x : δ) : Given (value x) fun a => 0 ≤ a →
    m.Misses N ((2 * m.sqrtUlp : Nat) * unit m) (under m) (N.sqrt (N.ofRat a)) (value (Scalar.sqrt x))
  /-- So is the logistic function. -/
  sigmoid (x : δ) : Given (value x) fun a =>
    m.Misses N ((2 * m.sigmoidUlp : Nat) * unit m) (under m + 0) (N.sigmoid (N.ofRat a)) (value (Scalar.sigmoid x))
  /-- So is the hyperbolic tangent. -/
  tanh (x : δ) : Given (value x) fun a =>
    m.Misses N ((2 * m.tanhUlp : Nat) * unit m) (under m + 0) (N.tanh (N.ofRat a)) (value (Scalar.tanh x))
  /-- So is softplus. -/
  softplus (x : δ) : Given (value x) fun a =>
    m.Misses N ((2 * m.softplusUlp : Nat) * unit m) (under m + 0) (N.softplus (N.ofRat a)) (value (Scalar.softplus x))
  /-- So is SiLU, and a little more where it is close to 0. -/
  silu (x : δ) : Given (value x) fun a =>
    m.Misses N ((2 * m.siluUlp : Nat) * unit m) (under m + 1024 * under m) (N.silu (N.ofRat a)) (value (Scalar.silu x))
  /-- GELU is off by units of its argument. -/
  gelu (x : δ) : Given (value x) fun a =>
    m.Misses N (2 * unit m) (under m + (2 * m.geluUlp : Nat) * unit m * Rounding.size a) (N.gelu (N.ofRat a))
      (value (Scalar.gelu x))
  /-- It takes one of two readings. -/
  either (x y : δ) : value (Scalar.either x y) = value x ∨ value (Scalar.either x y) = value y

/-- The steps so far, one after the other, give `v`. -/
def Looped (m : Rounding) (v : Rat) (ss : List (AffineStep Rat)) : Prop :=
  ∃ tree : ScanTree Rat, tree.toList = ss ∧ tree.depth + 1 = ss.length ∧
    States m.largest.toRat (unit m) (under m) tree (some v)

/-- A device's number is one that the execution may compute. -/
def Computed (m : Rounding) (N : Numbers K) (value : δ → Option Rat) (x : δ) (e : Execution m N) : Prop :=
  ∃ ss, e.after (value x) ss ∧ Given (value x) fun v => Looped m v ss

namespace Computed
variable {value : δ → Option Rat}

theorem looped_first (v : Rat) : Looped m v [⟨0, v⟩] := ⟨.leaf ⟨0, v⟩, rfl, rfl, .leaf⟩

omit [Scalar δ] in
theorem computes {x : δ} {e : Execution m N} (h : Computed m N value x e) : e.Computes (value x) :=
  ⟨h.choose, h.choose_spec.1⟩

/-- Whatever holds of the steps after which a number comes out: it may be the first. -/
theorem first {v : Option Rat} {p : List (AffineStep Rat) → Prop} (h : ∀ ss, (Given v fun z => ss = [⟨0, z⟩]) → p ss) :
    ∃ ss, p ss ∧ Given v fun z => Looped m z ss := by
  cases v with
  | none => exact ⟨[], h _ (by intro _ h; cases h), by intro _ h; cases h⟩
  | some z =>
    refine ⟨[⟨0, z⟩], h _ (by rintro _ ⟨⟩; rfl), ?_⟩
    rintro _ ⟨⟩
    exact looped_first z

omit [Scalar δ] in
theorem of {x : δ} {p : Option Rat → Prop} (h : p (value x)) : Computed m N value x (Execution.of p) :=
  first fun _ hs => ⟨h, hs⟩

theorem step (hd : Device m N value) (order : m.order = .sequential ∨ m.order = .any) {a h b : δ} {a' h' b' : Execution m N}
    (ha : Computed m N value a a') (hh : Computed m N value h h') (hb : Computed m N value b b') :
    Computed m N value (Scalar.step a h b) (Scalar.step a' h' b') := by
  obtain ⟨p, hp, hv⟩ := hd.step a h b
  show Computed m N value _ (Execution.step a' h' b')
  unfold Execution.step
  rcases order with order | order
  · rw [if_pos order]
    exact of ⟨_, _, _, p, ha.computes, hh.computes, hb.computes, hp, hv⟩
  · rw [if_neg (by rw [order]; decide)]
    have cx := ha.computes
    have cy := hb.computes
    obtain ⟨past, hpast, looped⟩ := hh
    unfold Computed
    simp only
    generalize value (Scalar.step a h b) = v at *
    generalize value a = x at *
    generalize value h = s at *
    generalize value b = y at *
    cases x with
    | none => exact first fun ss _ => ⟨_, _, _, past, cx, hpast, cy, by intro _ h; cases h⟩
    | some x =>
    cases s with
    | none => exact first fun ss _ => ⟨_, _, _, past, cx, hpast, cy, by intro _ _ _ h; cases h⟩
    | some s =>
    cases y with
    | none => exact first fun ss _ => ⟨_, _, _, past, cx, hpast, cy, by intro _ _ _ _ _ h; cases h⟩
    | some y =>
    obtain ⟨tree, rfl, hdepth, hstate⟩ := looped.some
    let next : ScanTree Rat := .node tree (.leaf ⟨x, y⟩)
    have list : next.toList = tree.toList ++ [AffineStep.mk x y] := rfl
    have depth : next.depth + 1 = (tree.toList ++ [AffineStep.mk x y]).length := by
      show Nat.max tree.depth 0 + 1 + 1 = _
      rw [List.length_append, ← hdepth]
      simp
    have state : States m.largest.toRat (unit m) (under m) next v := .node hstate .leaf .leaf hp hv
    refine ⟨_, ⟨_, _, _, tree.toList, cx, hpast, cy, ?_⟩, fun z hz => ⟨next, list, depth, hz ▸ state⟩⟩
    rintro _ ⟨⟩ _ ⟨⟩ _ ⟨⟩
    refine ⟨rfl, next, list, ?_, state⟩
    rw [order]
    show next.depth ≤ _ - 1
    omega

omit [Scalar δ] in
theorem read {xs : List δ} {es : List (Execution m N)} (h : Each (Computed m N value) xs es) :
    ∀ {ys : List (Option Rat)}, Each (fun x y => Given (value x) fun a => Casts m a y) xs ys → Each Execution.Read es ys := by
  induction h with
  | nil => intro ys hys; cases hys; exact .nil
  | cons h _ ih =>
    intro ys hys
    cases hys with
    | cons hy hys => exact .cons ⟨_, h.computes, hy⟩ (ih hys)

end Computed

/-- What a device computes, running a specification's text, is an execution of it. -/
theorem computed_preserved {value : δ → Option Rat} (hd : Device m N value)
    (order : m.order = .sequential ∨ m.order = .any) : Preserved (Computed m N value) where
  add hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.add _ _⟩
  sub hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.sub _ _⟩
  mul hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.mul _ _⟩
  div hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.div _ _⟩
  neg hx := .of ⟨_, hx.computes, hd.neg _⟩
  max hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.max _ _⟩
  const n d := .of (hd.const n d)
  sum {xs es} h := .of (by
    obtain ⟨ys, hys, hv⟩ := hd.sum xs
    exact ⟨ys, Computed.read h hys, hv⟩)
  squares {xs es} h := .of (by
    obtain ⟨ys, hys, hv⟩ := hd.squares xs
    exact ⟨ys, Computed.read h hys, hv⟩)
  dot {ps es} h := .of (by
    obtain ⟨qs, hqs, hv⟩ := hd.dot ps
    refine ⟨qs, ?_, hv⟩
    clear hv
    induction h generalizing qs with
    | nil => cases hqs; exact .nil
    | cons h _ ih =>
      cases hqs with
      | cons hq hqs => exact .cons ⟨⟨_, h.1.computes, hq.1⟩, _, h.2.computes, hq.2⟩ (ih _ hqs))
  step := Computed.step hd order
  exp hx := .of ⟨_, hx.computes, hd.exp _⟩
  sqrt hx := .of ⟨_, hx.computes, hd.sqrt _⟩
  sigmoid hx := .of ⟨_, hx.computes, hd.sigmoid _⟩
  tanh hx := .of ⟨_, hx.computes, hd.tanh _⟩
  softplus hx := .of ⟨_, hx.computes, hd.softplus _⟩
  silu hx := .of ⟨_, hx.computes, hd.silu _⟩
  gelu hx := .of ⟨_, hx.computes, hd.gelu _⟩
  either {x y a b} hx hy := .of ((hd.either x y).elim (fun h => .inl (h ▸ hx.computes)) fun h => .inr (h ▸ hy.computes))

end Spec
