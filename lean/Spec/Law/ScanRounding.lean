module
public import Spec.Law.ScanFolds

/-!
# Rounding errors of scans

A linear recurrence `h ↦ a h + b` may be composed in any tree: step by step, chunk by chunk, or as a parallel scan
(Mamba, arXiv 2312.00752, section 3.3.2). Whatever the tree, the last state stays within a distance of the exact one
that folds over the sizes of the steps give, first step first. Everything is about `Rat`, so it is about the exact
values.
-/

@[expose] public noncomputable section
namespace Spec

/-- The most compositions that a step goes through. -/
def ScanTree.depth {α : Type} : ScanTree α → Nat
  | leaf _ => 0
  | node l r => max l.depth r.depth + 1

namespace Rounding
variable {u t q : Rat}

/-- `v` can come out as the product of a tree's decays, each product rounded (or kept exact, when `0 ≤ u` and
`0 ≤ t`). -/
inductive Decay (u t : Rat) : ScanTree Rat → Rat → Prop
  | leaf {s : AffineStep Rat} : Decay u t (.leaf s) s.a
  | node {l r : ScanTree Rat} {x y v : Rat} (hl : Decay u t l x) (hr : Decay u t r y)
      (h : Rounded u t (y * x) v) : Decay u t (.node l r) v

/-- `v` can come out as the last state of a tree of steps from the state 0: products and sums are rounded, or kept
exact as a fused multiply-add keeps its product (a case of `Rounded` when `0 ≤ u` and `0 ≤ t`); a start at `h₀` is a
first leaf `⟨0, h₀⟩`. -/
inductive State (u t : Rat) : ScanTree Rat → Rat → Prop
  | leaf {s : AffineStep Rat} : State u t (.leaf s) s.b
  | node {l r : ScanTree Rat} {x a y p v : Rat} (hl : State u t l x) (ha : Decay u t r a) (hr : State u t r y)
      (hp : Rounded u t (a * x) p) (hv : Rounded u t (p + y) v) : State u t (.node l r) v

/-! ### Majorants -/

/-- `|e| ≤ m` and `|v - e| ≤ g - m`, so that `|v| ≤ g`. -/
structure Near (v e m g : Rat) : Prop where
  /-- `|e| ≤ m`. -/
  exact : Bounded e m
  /-- `|v - e| ≤ g - m`. -/
  error : Bounded (v - e) (g - m)

namespace Near
variable {v w e f m n g k : Rat}

theorem le (h : Near v e m g) : m ≤ g := by
  have := h.error.nonneg
  grind

theorem mono (h : Near v e m g) (hk : g ≤ k) : Near v e m k := by
  refine ⟨h.exact, ?_⟩
  have := h.error
  unfold Bounded at *
  grind

theorem add (h : Near v e m g) (h' : Near w f n k) : Near (v + w) (e + f) (m + n) (g + k) := by
  obtain ⟨h1, h2⟩ := h
  obtain ⟨h3, h4⟩ := h'
  unfold Bounded at *
  constructor <;> unfold Bounded <;> grind

theorem mul (h : Near v e m g) (h' : Near w f n k) : Near (v * w) (e * f) (m * n) (g * k) := by
  obtain ⟨h1, h2⟩ := h
  obtain ⟨h3, h4⟩ := h'
  refine ⟨h1.mul h3, ?_⟩
  have h5 := h2.mul h4
  have h6 := h2.mul h3
  have h7 := h1.mul h4
  unfold Bounded at *
  constructor <;> grind

theorem rounded (h : Near v e m g) (hv : Rounded u t v w) : Near w e m ((1 + u) * g + t) := by
  obtain ⟨h1, h2⟩ := h
  have h3 : Bounded v g := by
    unfold Bounded at *
    constructor <;> grind
  have h4 := hv.error h3
  refine ⟨h1, ?_⟩
  unfold Bounded at *
  constructor <;> grind

end Near

/-! ### The two halves of a computed composition -/

theorem one_le_length (tree : ScanTree Rat) : (1 : Rat) ≤ tree.toList.length := by
  have : 1 ≤ tree.toList.length := by
    induction tree with
    | leaf s => exact Nat.le_refl _
    | node l r hl hr => simp only [ScanTree.toList, List.length_append]; omega
  exact_mod_cast this

theorem one_le_mul {v w : Rat} (hv : 1 ≤ v) (hw : 1 ≤ w) : 1 ≤ v * w := by
  have := Rat.mul_nonneg (a := v - 1) (b := w - 1) (by grind) (by grind)
  grind

theorem decay_step {n Pl Pr wl wr ml mr Gl Gr : Rat} (hq : 1 ≤ q) (ht : 0 ≤ t) (hn : 4 * q * t * (n * n) ≤ 1)
    (hPl : Pl ≤ wl) (hPr : Pr ≤ wr) (hwl : 1 ≤ wl) (hwr : 1 ≤ wr) (hml : 1 ≤ ml) (hmr : 1 ≤ mr)
    (hm : ml + mr ≤ n) (hGl0 : 0 ≤ Gl) (hGr0 : 0 ≤ Gr)
    (hGl : q * Gl ≤ Pl + q * t * (wl * (2 * (ml - 1)))) (hGr : q * Gr ≤ Pr + q * t * (wr * (2 * (mr - 1)))) :
    q * (q * (Gr * Gl) + t) ≤ Pl * Pr + q * t * (wl * wr * (2 * (ml + mr - 1))) := by
  have hs : 0 ≤ q * t := Rat.mul_nonneg (by grind) ht
  have hl0 : 0 ≤ q * Gl := Rat.mul_nonneg (by grind) hGl0
  have hr0 : 0 ≤ q * Gr := Rat.mul_nonneg (by grind) hGr0
  have hw : 1 ≤ wl * wr := one_le_mul hwl hwr
  have h1 : 4 * (q * t) * ((ml - 1) * (mr - 1)) ≤ 1 := by
    have a := Rat.mul_nonneg (a := n - (ml - 1)) (b := mr - 1) (by grind) (by grind)
    have b := Rat.mul_nonneg (a := n) (b := n - (mr - 1)) (by grind) (by grind)
    have c := Rat.mul_nonneg hs (b := n * n - (ml - 1) * (mr - 1)) (by grind)
    grind
  have core : wr * (2 * (mr - 1)) * Pl + wl * (2 * (ml - 1)) * Pr
      + q * t * (wr * (2 * (mr - 1)) * (wl * (2 * (ml - 1)))) + 1 ≤ wl * wr * (2 * (ml + mr - 1)) := by
    have a := Rat.mul_nonneg (Rat.mul_nonneg (a := wr) (b := mr - 1) (by grind) (by grind)) (b := wl - Pl) (by grind)
    have b := Rat.mul_nonneg (Rat.mul_nonneg (a := wl) (b := ml - 1) (by grind) (by grind)) (b := wr - Pr) (by grind)
    have c := Rat.mul_nonneg (a := wl * wr) (b := 1 - 4 * (q * t) * ((ml - 1) * (mr - 1))) (by grind) (by grind)
    grind
  have scaled := Rat.mul_le_mul_of_nonneg_left core hs
  clear core h1 hn
  generalize wr * (2 * (mr - 1)) = kr at *
  generalize wl * (2 * (ml - 1)) = kl at *
  generalize wl * wr * (2 * (ml + mr - 1)) = k at *
  have d := Rat.mul_nonneg hl0 (b := Pr + q * t * kr - q * Gr) (by grind)
  have e := Rat.mul_nonneg (a := Pr + q * t * kr) (b := Pl + q * t * kl - q * Gl) (by grind) (by grind)
  grind

theorem decay_near (hu : 0 ≤ u) (ht : 0 ≤ t) {n : Rat} (hn : 4 * (1 + u) * t * (n * n) ≤ 1)
    {tree : ScanTree Rat} {v : Rat} (hv : Decay u t tree v) :
    ∀ {bs : List (AffineStep Rat)}, Sizes tree.toList bs → tree.toList.length ≤ n →
      ∃ g, Near v (decay 1 tree.toList) (decay 1 bs) g ∧ (1 + u) * g ≤ decay (1 + u) bs +
        (1 + u) * t * (weight (1 + u) bs * (2 * (tree.toList.length - 1))) := by
  have hq : 1 ≤ 1 + u := by grind
  induction hv with
  | @leaf s =>
    intro bs hs _
    cases hs with
    | @cons _ b _ _ ha _ hs =>
      cases hs
      refine ⟨b.a, ?_, ?_⟩
      · simp only [ScanTree.toList, decay, List.foldl_cons, List.foldl_nil]
        unfold Bounded at ha
        constructor <;> unfold Bounded <;> grind
      · have : (([s].length : Nat) : Rat) = 1 := rfl
        simp only [ScanTree.toList, decay, List.foldl_cons, List.foldl_nil]
        rw [this]
        grind
  | @node l r x y v _ _ h ihl ihr =>
    intro bs hs hlen
    obtain ⟨bl, br, rfl, hl, hr⟩ := Sizes.split hs
    have el : (((ScanTree.node l r).toList.length : Nat) : Rat) = l.toList.length + r.toList.length := by
      rw [ScanTree.toList, List.length_append, Rat.natCast_add]
    have cl := one_le_length l
    have cr := one_le_length r
    rw [el] at hlen ⊢
    obtain ⟨gl, nl, bl'⟩ := ihl hl (by grind)
    obtain ⟨gr, nr, br'⟩ := ihr hr (by grind)
    refine ⟨(1 + u) * (gr * gl) + t, ?_, ?_⟩
    · have := (nr.mul nl).rounded h
      rw [ScanTree.toList, decay_append, decay_append, Rat.mul_comm (decay 1 l.toList), Rat.mul_comm (decay 1 bl)]
      exact this
    · rw [decay_append, weight_append]
      have h0l := nl.exact.nonneg
      have h0r := nr.exact.nonneg
      exact decay_step hq ht hn (hl.decay_le hq).2 (hr.decay_le hq).2 (one_le_weight hq bl) (one_le_weight hq br)
        cl cr hlen (Rat.le_trans h0l nl.le) (Rat.le_trans h0r nr.le) bl' br'

theorem state_inner {n B c Pr Sl Sr wl wr ml mr : Rat} (hq : 1 ≤ q) (ht : 0 ≤ t)
    (hc : 2 * q * n * (B + t * (n * c)) + 2 ≤ c) (hc0 : 0 ≤ c) (hPr : Pr ≤ wr) (hSl : Sl ≤ wl * B) (hB : 0 ≤ B)
    (hwl : 1 ≤ wl) (hwr : 1 ≤ wr) (hml : 1 ≤ ml) (hmr : 1 ≤ mr) (hm : ml + mr ≤ n) :
    (Pr + q * t * (wr * (2 * (mr - 1)))) * (Sl + t * (wl * ((ml - 1) * c))) + (Sr + t * (wr * ((mr - 1) * c)))
      + 2 * t ≤ Pr * Sl + Sr + t * (wl * wr * ((ml + mr - 1) * c)) := by
  have hw : 1 ≤ wl * wr := one_le_mul hwl hwr
  have hl : 0 ≤ (ml - 1) * c := Rat.mul_nonneg (by grind) hc0
  have hr : 0 ≤ (mr - 1) * c := Rat.mul_nonneg (by grind) hc0
  have tail : 2 * q * (mr - 1) * (B + t * ((ml - 1) * c)) + 2 ≤ c := by
    have a := Rat.mul_nonneg ht (Rat.mul_nonneg (a := n - (ml - 1)) (b := c) (by grind) hc0)
    have b := Rat.mul_nonneg (Rat.mul_nonneg (a := q) (b := mr - 1) (by grind) (by grind)) a
    have d : 0 ≤ B + t * (n * c) := Rat.add_nonneg hB (Rat.mul_nonneg ht (Rat.mul_nonneg (by grind) hc0))
    have e := Rat.mul_nonneg (Rat.mul_nonneg (a := q) (b := n - (mr - 1)) (by grind) (by grind)) d
    grind
  have core : Pr * (wl * ((ml - 1) * c)) + q * (wr * (2 * (mr - 1))) * (Sl + t * (wl * ((ml - 1) * c)))
      + wr * ((mr - 1) * c) + 2 ≤ wl * wr * ((ml + mr - 1) * c) := by
    have a := Rat.mul_nonneg (a := wr - Pr) (b := wl * ((ml - 1) * c)) (by grind) (Rat.mul_nonneg (by grind) hl)
    have b := Rat.mul_nonneg (a := q * (wr * (mr - 1))) (b := wl * B - Sl)
      (Rat.mul_nonneg (by grind) (Rat.mul_nonneg (by grind) (by grind))) (by grind)
    have d := Rat.mul_nonneg (a := wl - 1) (b := wr * ((mr - 1) * c)) (by grind) (Rat.mul_nonneg (by grind) hr)
    have e := Rat.mul_nonneg (a := wl * wr) (b := c - (2 * q * (mr - 1) * (B + t * ((ml - 1) * c)) + 2)) (by grind)
      (by grind)
    grind
  have scaled := Rat.mul_le_mul_of_nonneg_left core ht
  grind

theorem state_outer {g x Ga Gl Gr A Xl Xr : Rat} (hq : 1 ≤ q) (ht : 0 ≤ t) (hg : 1 ≤ g) (hGa0 : 0 ≤ Ga)
    (hXl : 0 ≤ Xl) (hGa : q * Ga ≤ A) (hGl : Gl ≤ g * Xl) (hGr : Gr ≤ g * Xr)
    (hx : A * Xl + Xr + 2 * t ≤ x) : q * (q * (Ga * Gl) + t + Gr) + t ≤ q * g * x := by
  have h1 := Rat.mul_nonneg (Rat.mul_nonneg (a := q) (by grind) hGa0) (b := g * Xl - Gl) (by grind)
  have h2 := Rat.mul_nonneg (a := A - q * Ga) (b := g * Xl) (by grind) (Rat.mul_nonneg (by grind) hXl)
  have h3 := Rat.mul_nonneg (a := g - 1) (b := t) (by grind) ht
  have h4 : q * (Ga * Gl) + t + Gr ≤ g * (x - t) := by
    have := Rat.mul_nonneg (a := g) (b := x - (A * Xl + Xr + 2 * t)) (by grind) (by grind)
    grind
  have h5 := Rat.mul_nonneg (a := q) (b := g * (x - t) - (q * (Ga * Gl) + t + Gr)) (by grind) (by grind)
  have h6 := Rat.mul_nonneg (a := q * g - 1) (b := t) (by have := one_le_mul hq hg; grind) ht
  grind

theorem extra_nonneg {s w m c : Rat} (hs : 0 ≤ s) (ht : 0 ≤ t) (hw : 1 ≤ w) (hm : 1 ≤ m) (hc : 0 ≤ c) :
    0 ≤ s + t * (w * ((m - 1) * c)) :=
  Rat.add_nonneg hs (Rat.mul_nonneg ht (Rat.mul_nonneg (by grind) (Rat.mul_nonneg (by grind) hc)))

/-- The product of a computed composition, with room for the state that is added to it. -/
theorem product_near (hu : 0 ≤ u) (ht : 0 ≤ t) {n B c : Rat} (hn : 4 * (1 + u) * t * (n * n) ≤ 1) (hc0 : 0 ≤ c)
    (hc : 2 * (1 + u) * n * (B + t * (n * c)) + 2 ≤ c) {l r : ScanTree Rat} {x a p : Rat}
    {bl br : List (AffineStep Rat)} (hl : Sizes l.toList bl) (hr : Sizes r.toList br)
    (hlen : (ScanTree.node l r).toList.length ≤ n) (hin : inputs (bl ++ br) ≤ B)
    (nl : Near x (grown 1 l.toList) (grown 1 bl) (growth u l.depth *
      (grown (1 + u) bl + t * (weight (1 + u) bl * ((l.toList.length - 1) * c)))))
    (ha : Decay u t r a) (hp : Rounded u t (a * x) p) :
    ∃ g, Near p (decay 1 r.toList * grown 1 l.toList) (decay 1 br * grown 1 bl) g ∧
      0 ≤ growth u r.depth * (grown (1 + u) br + t * (weight (1 + u) br * ((r.toList.length - 1) * c))) ∧
      (1 + u) * (g + growth u r.depth *
        (grown (1 + u) br + t * (weight (1 + u) br * ((r.toList.length - 1) * c)))) + t ≤
        growth u (ScanTree.node l r).depth * (grown (1 + u) (bl ++ br) +
          t * (weight (1 + u) (bl ++ br) * (((ScanTree.node l r).toList.length - 1) * c))) := by
  have hq : 1 ≤ 1 + u := by grind
  have el : (((ScanTree.node l r).toList.length : Nat) : Rat) = l.toList.length + r.toList.length := by
    rw [ScanTree.toList, List.length_append, Rat.natCast_add]
  have cl := one_le_length l
  have cr := one_le_length r
  have wl := one_le_weight hq bl
  have wr := one_le_weight hq br
  have il := hl.inputs_nonneg
  have ir := hr.inputs_nonneg
  rw [inputs_append] at hin
  rw [el] at hlen ⊢
  obtain ⟨ga, na, ba⟩ := decay_near hu ht hn ha hr (by grind)
  have ed : growth u (ScanTree.node l r).depth = (1 + u) * growth u (max l.depth r.depth) := by
    simp only [ScanTree.depth, growth]
    grind
  obtain ⟨gl0, gl1⟩ := hl.grown_le hq
  obtain ⟨gr0, _⟩ := hr.grown_le hq
  have sl := Rat.mul_nonneg (a := weight (1 + u) bl) (b := B - inputs bl) (by grind) (by grind)
  have xl := extra_nonneg gl0 ht wl cl hc0
  have xr := extra_nonneg gr0 ht wr cr hc0
  refine ⟨_, (na.mul nl).rounded hp, Rat.mul_nonneg (by have := one_le_growth hu r.depth; grind) xr, ?_⟩
  rw [ed, grown_append, weight_append]
  exact state_outer hq ht (one_le_growth hu _) (Rat.le_trans na.exact.nonneg na.le) xl ba
    (Rat.mul_le_mul_of_nonneg_right (growth_mono hu (Nat.le_max_left _ _)) xl)
    (Rat.mul_le_mul_of_nonneg_right (growth_mono hu (Nat.le_max_right _ _)) xr)
    (state_inner hq ht hc hc0 (hr.decay_le hq).2 (by grind) (by grind) wl wr cl cr hlen)

theorem state_near (hu : 0 ≤ u) (ht : 0 ≤ t) {n B c : Rat} (hn : 4 * (1 + u) * t * (n * n) ≤ 1) (hc0 : 0 ≤ c)
    (hc : 2 * (1 + u) * n * (B + t * (n * c)) + 2 ≤ c) {tree : ScanTree Rat} {v : Rat} (hv : State u t tree v) :
    ∀ {bs : List (AffineStep Rat)}, Sizes tree.toList bs → tree.toList.length ≤ n → inputs bs ≤ B →
      Near v (grown 1 tree.toList) (grown 1 bs) (growth u tree.depth *
        (grown (1 + u) bs + t * (weight (1 + u) bs * ((tree.toList.length - 1) * c)))) := by
  have hq : 1 ≤ 1 + u := by grind
  induction hv with
  | @leaf s =>
    intro bs hs _ _
    cases hs with
    | @cons _ b _ _ _ hb hs =>
      cases hs
      have : (([s].length : Nat) : Rat) = 1 := rfl
      simp only [ScanTree.toList, ScanTree.depth, growth, grown, List.foldl_cons, List.foldl_nil]
      rw [this]
      unfold Bounded at hb
      constructor <;> unfold Bounded <;> grind
  | @node l r x a y p v _ ha _ hp hv ihl ihr =>
    intro bs hs hlen hin
    obtain ⟨bl, br, rfl, hl, hr⟩ := Sizes.split hs
    have el : (((ScanTree.node l r).toList.length : Nat) : Rat) = l.toList.length + r.toList.length := by
      rw [ScanTree.toList, List.length_append, Rat.natCast_add]
    have cl := one_le_length l
    have cr := one_le_length r
    have il := hl.inputs_nonneg
    have ir := hr.inputs_nonneg
    have ei := inputs_append bl br
    obtain ⟨g, np, _, hg⟩ := product_near hu ht hn hc0 hc hl hr hlen hin (ihl hl (by grind) (by grind)) ha hp
    rw [ScanTree.toList, grown_append, grown_append (q := 1)]
    exact ((np.add (ihr hr (by grind) (by grind))).rounded hv).mono hg

/-- A recurrence composed in any tree, fused or not, ends within
`(1 + u)ᵈ (S + t W n (4 (1 + u) n B + 4)) - T` of the exact last state, where `d` is at least the tree's depth, `n` the
number of steps, and `T`, `S`, `W` and `B` fold over bounds of the steps: the last state of the bounds, the same with
each decay `1 + u` times as large, `Π (1 + u) max(1, aᵢ)` and `Σ bᵢ`. -/
theorem scan_error (hu : 0 ≤ u) (ht : 0 ≤ t) {tree : ScanTree Rat} {v : Rat} (hv : State u t tree v)
    {bs : List (AffineStep Rat)} (hs : Sizes tree.toList bs) {n d : Nat} (hlen : tree.toList.length = n)
    (hn : 4 * (1 + u) * t * (n * n) ≤ 1) (hd : tree.depth ≤ d) :
    Bounded (v - scanFold 0 tree.toList) (growth u d * (grown (1 + u) bs +
      t * (weight (1 + u) bs * (n * (4 * (1 + u) * n * inputs bs + 4)))) - scanFold 0 bs) := by
  have hq : 1 ≤ 1 + u := by grind
  have hB := hs.inputs_nonneg
  have n1 := one_le_length tree
  rw [hlen] at n1
  have hnB : 0 ≤ (1 + u) * n * inputs bs := Rat.mul_nonneg (Rat.mul_nonneg (by grind) (by grind)) hB
  have hc0 : 0 ≤ 4 * (1 + u) * n * inputs bs + 4 := by grind
  have hc : 2 * (1 + u) * n * (inputs bs + t * (n * (4 * (1 + u) * n * inputs bs + 4))) + 2
      ≤ 4 * (1 + u) * n * inputs bs + 4 := by
    have := Rat.mul_nonneg (a := 1 - 4 * (1 + u) * t * (n * n)) (by grind) hc0
    grind
  have near := state_near hu ht hn hc0 hc hv hs (by rw [hlen]; exact Rat.le_refl) Rat.le_refl
  rw [hlen] at near
  rw [scanFold_eq_grown, scanFold_eq_grown]
  refine (near.mono ?_).error
  have hw := one_le_weight hq bs
  generalize 4 * (1 + u) * n * inputs bs + 4 = c at *
  have x0 := extra_nonneg (hs.grown_le hq).1 ht hw n1 hc0
  have more := Rat.mul_nonneg ht (Rat.mul_nonneg (a := weight (1 + u) bs) (b := c) (by grind) hc0)
  exact Rat.le_trans (Rat.mul_le_mul_of_nonneg_right (growth_mono hu hd) x0)
    (Rat.mul_le_mul_of_nonneg_left (by grind) (by have := one_le_growth hu d; grind))

end Rounding
end Spec
