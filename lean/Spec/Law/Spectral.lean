module
public import Spec.Law.Complex
public import Spec.Law.Exact
public import Spec.Law.Fourier

/-!
# Laws of the spectral convolution

What its text evaluates is the Fourier layer: the modes are those of the discrete Fourier transform, the channels are mixed by
complex products, and the signal is the inverse transform of the Hermitian spectrum, which is real. They hold in exact arithmetic, in
any field in which neither 2 nor the number of points is 0, for a table of the powers of a principal root of unity whose inverse is its
conjugate, as `exp (2πi/n)` is one.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast
variable {α : Type}

/-! ### Sums from both ends -/

section Sums
variable [CommRing α]

theorem sumTo_append (f : Nat → α) (a b : Nat) : sumTo (a + b) f = sumTo a f + sumTo b fun j => f (a + j) := by
  induction b with
  | zero => simp only [Nat.add_zero, sumTo]; grind
  | succ b ih => rw [← Nat.add_assoc, sumTo, sumTo, ih]; grind

theorem sumTo_first (f : Nat → α) (n : Nat) : sumTo (n + 1) f = f 0 + sumTo n fun j => f (j + 1) := by
  induction n with
  | zero => simp only [sumTo]; grind
  | succ n ih => rw [sumTo, ih, sumTo]; grind

theorem sumTo_reverse (f : Nat → α) (n : Nat) : sumTo n f = sumTo n fun j => f (n - 1 - j) := by
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [sumTo_first (fun j => f (n + 1 - 1 - j)), sumTo, ih, sumTo_congr n (f := fun j => f (n + 1 - 1 - (j + 1)))
      (g := fun j => f (n - 1 - j)) fun j _ => by show f _ = f _; congr 1; omega]
    simp only [Nat.add_sub_cancel, Nat.sub_zero]
    grind

/-- Terms that are the same from either end, the first one aside: the first half of them, each as often as a mode counts. -/
theorem sumTo_even {n : Nat} (hn : 0 < n) (g : Nat → α) (even : ∀ k, 0 < k → k < n → g (n - k) = g k) :
    sumTo n g = sumTo (n / 2 + 1) fun k => (multiplicity n k : α) * g k := by
  have one (k : Nat) (h : k = 0 ∨ 2 * k = n) : (multiplicity n k : α) * g k = g k := by
    rw [multiplicity, if_pos h, Semiring.natCast_one]; grind
  have two (k : Nat) (h : ¬(k = 0 ∨ 2 * k = n)) : (multiplicity n k : α) * g k = g k + g k := by
    rw [multiplicity, if_neg h, show (2 : Nat) = 1 + 1 from rfl, Semiring.natCast_succ, Semiring.natCast_one]; grind
  obtain ⟨q, hq⟩ : ∃ q, n = q + 1 + q ∨ n = q + 1 + (q + 1) := ⟨(n - 1) / 2, by omega⟩
  have inner : (sumTo q fun j => (multiplicity n (j + 1) : α) * g (j + 1)) =
      (sumTo q fun j => g (j + 1)) + sumTo q fun j => g (j + 1) := by
    rw [← sumTo_add]
    exact sumTo_congr q fun j hj => two _ (by omega)
  rcases hq with h | h
  · have half : n / 2 = q := by omega
    have back : (sumTo q fun j => g (q + 1 + j)) = sumTo q fun j => g (j + 1) := by
      rw [sumTo_reverse]
      refine sumTo_congr q fun j hj => ?_
      rw [← even (j + 1) (by omega) (by omega)]
      congr 1
      omega
    rw [half, sumTo_first, one 0 (.inl rfl), inner]
    have whole : sumTo n g = sumTo (q + 1 + q) g := by rw [← h]
    rw [whole, sumTo_append, back, sumTo_first]
    grind
  · have half : n / 2 = q + 1 := by omega
    have back : (sumTo q fun j => g (q + 1 + (j + 1))) = sumTo q fun j => g (j + 1) := by
      rw [sumTo_reverse]
      refine sumTo_congr q fun j hj => ?_
      rw [← even (j + 1) (by omega) (by omega)]
      congr 1
      omega
    rw [half, sumTo, one (q + 1) (.inr (by omega)), sumTo_first, one 0 (.inl rfl), inner]
    have whole : sumTo n g = sumTo (q + 1 + (q + 1)) g := by rw [← h]
    rw [whole, sumTo_append, sumTo_first (fun j => g (q + 1 + j)), back, sumTo_first g]
    grind

/-- Terms that change their sign from the other end cancel. -/
theorem sumTo_odd {n : Nat} (g : Nat → α) (first : g 0 = 0) (odd : ∀ k, 0 < k → k < n → g (n - k) = -g k) :
    sumTo n g + sumTo n g = 0 := by
  cases n with
  | zero => simp only [sumTo]; grind
  | succ m =>
    have h : (sumTo m fun j => g (j + 1)) = sumTo m fun j => -1 * g (j + 1) := by
      rw [sumTo_reverse]
      refine sumTo_congr m fun j hj => ?_
      have h1 := odd (j + 1) (by omega) (by omega)
      have h2 : m - 1 - j + 1 = m + 1 - (j + 1) := by omega
      rw [h2, h1]
      grind
    rw [mul_sumTo] at h
    rw [sumTo_first, first]
    grind

theorem sumTo_zeros {f : Nat → α} {m n : Nat} (h : m ≤ n) (zero : ∀ k, m ≤ k → k < n → f k = 0) :
    sumTo n f = sumTo m f := by
  obtain ⟨r, rfl⟩ : ∃ r, n = m + r := ⟨n - m, by omega⟩
  rw [sumTo_append, sumTo_congr r (g := fun _ => 0) fun j hj => zero _ (by omega) (by omega), sumTo_zero]
  grind

theorem zeroPadded_of_lt {n : Nat} (x : Vector α n) {j : Nat} (h : j < n) : zeroPadded x j = x[j] := dif_pos h

theorem zeroPadded_of_le {n : Nat} (x : Vector α n) {j : Nat} (h : n ≤ j) : zeroPadded x j = 0 := dif_neg (by omega)

end Sums

variable [Field α] [Max α] (f : Functions α) (pick : α → α → α) {n M C O : Nat}

omit [Max α] in
theorem total_sumTo (n : Nat) (g : Nat → α) : total (List.ofFn fun i : Fin n => g i.1) = sumTo n g := by
  induction n generalizing g with
  | zero => rfl
  | succ n ih =>
    rw [List.ofFn_succ, sumTo_first]
    exact congrArg (g 0 + ·) (ih fun j => g (j + 1))

theorem dot_exactly {p : Fin n → α × α} {g : Nat → α} (h : ∀ t, (p t).1 * (p t).2 = g t.1) :
    @Scalar.dot α (exactly f pick) (entries n p) = sumTo n g := by
  rw [entries_eq_ofFn, ← total_sumTo]
  show total ((List.ofFn p).map fun p => p.1 * p.2) = _
  rw [map_ofFn, show (fun i => (p i).1 * (p i).2) = fun i : Fin n => g i.1 from funext h]

/-! ### What the text evaluates -/

/-- The complex product of two vectors. -/
theorem mixed_exactly (w x : Vector (Pair α) C) :
    @mixed α (exactly f pick) C w x = sumTo C fun c => zeroPadded w c * zeroPadded x c := by
  apply Pair.ext
  · rw [Pair.re_sumTo]
    refine (dot_exactly f pick (g := fun i => if i < C then (zeroPadded w i).re * (zeroPadded x i).re
      else -((zeroPadded w (i - C)).im * (zeroPadded x (i - C)).im)) fun i => ?_).trans ?_
    · by_cases h : i.1 < C
      · simp only [h, dif_pos, if_pos, zeroPadded_of_lt]
      · have h' : i.1 - C < C := by omega
        simp only [h, dif_neg, if_neg, not_false_eq_true, zeroPadded_of_lt _ h']
        grind
    · rw [sumTo_append, ← sumTo_add]
      refine sumTo_congr C fun c hc => ?_
      have h' : ¬C + c < C := by omega
      simp only [hc, if_pos, h', if_neg, not_false_eq_true, Nat.add_sub_cancel_left, Pair.re_mul]
      grind
  · rw [Pair.im_sumTo]
    refine (dot_exactly f pick (g := fun i => if i < C then (zeroPadded w i).re * (zeroPadded x i).im
      else (zeroPadded w (i - C)).im * (zeroPadded x (i - C)).re) fun i => ?_).trans ?_
    · by_cases h : i.1 < C
      · simp only [h, dif_pos, if_pos, zeroPadded_of_lt]
      · have h' : i.1 - C < C := by omega
        simp only [h, dif_neg, if_neg, not_false_eq_true, zeroPadded_of_lt _ h']
    · rw [sumTo_append, ← sumTo_add]
      refine sumTo_congr C fun c hc => ?_
      have h' : ¬C + c < C := by omega
      simp only [hc, if_pos, h', if_neg, not_false_eq_true, Nat.add_sub_cancel_left, Pair.im_mul]

/-- A table of the powers of a principal root of unity whose inverse is its conjugate. -/
structure RootTable (w : Vector (Pair α) n) (u : Pair α) : Prop where
  /-- The root is one. -/
  root : PrincipalRoot n u u.conj
  /-- The entries are its powers. -/
  power : ∀ (j : Nat) (h : j < n), w[j] = u ^ j

/-- Four points have such a table over the rational numbers: the powers of the imaginary unit. -/
theorem rootTable_four : RootTable #v[⟨1, 0⟩, ⟨0, 1⟩, ⟨-1, 0⟩, ⟨0, -1⟩] (⟨0, 1⟩ : Pair Rat) where
  root := {
    inv := Pair.ext (by decide +kernel) (by decide +kernel)
    root := Pair.ext (by decide +kernel) (by decide +kernel)
    cancel := fun m h0 h => by
      obtain rfl | rfl | rfl : m = 1 ∨ m = 2 ∨ m = 3 := by omega
      all_goals exact Pair.ext (by decide +kernel) (by decide +kernel) }
  power := fun j h => by
    obtain rfl | rfl | rfl | rfl : j = 0 ∨ j = 1 ∨ j = 2 ∨ j = 3 := by omega
    all_goals exact Pair.ext (by decide +kernel +revert) (by decide +kernel +revert)

variable {w : Vector (Pair α) n} {u : Pair α} (W : RootTable w u)
include W

omit [Max α] in
theorem RootTable.rootAt (k : Nat) (t : Fin n) : rootAt w k t = u ^ (k * t.1) := by
  unfold Spec.rootAt
  rw [W.power]
  have h : u ^ (k * t.1) = u ^ (k * t.1 / n * n) * u ^ (k * t.1 % n) := by
    rw [← power_add, Nat.mul_comm (k * t.1 / n) n, Nat.div_add_mod]
  rw [h, power_root W.root.root]
  grind

/-- A mode of the truncated transform, which is a product with a table, is that of the discrete Fourier transform. -/
theorem mode_eq_dft (x : Vector α n) (k : Nat) :
    @mode α (exactly f pick) n w x k = dft n u.conj (fun j => .real (zeroPadded x j)) k := by
  have h (j : Nat) : u.conj ^ (j * k) = (u ^ (k * j)).conj := by rw [Pair.conj_pow, Nat.mul_comm]
  apply Pair.ext
  · rw [dft, Pair.re_sumTo]
    refine dot_exactly f pick fun t => ?_
    simp only [W.rootAt, h, zeroPadded_of_lt x t.2, Pair.re_mul, Pair.real, Pair.re_conj, Fin.getElem_fin]
    grind
  · rw [dft, Pair.im_sumTo]
    refine dot_exactly f pick fun t => ?_
    simp only [W.rootAt, h, zeroPadded_of_lt x t.2, Pair.im_mul, Pair.real, Pair.im_conj, Fin.getElem_fin]
    show x[t.1] * -(u ^ (k * t.1)).im = _
    grind

omit [Max α] in
/-- Powers at the other end of the table are conjugates. -/
theorem RootTable.power_sub {k : Nat} (hk : k ≤ n) (t : Nat) : u ^ ((n - k) * t) = (u ^ (k * t)).conj := by
  have h := W.root.inverse_power t k hk
  rw [Nat.mul_comm, ← h, Pair.conj_pow, Nat.mul_comm]

omit [Max α] in
theorem RootTable.im_power (h2 : (2 : α) ≠ 0) {k : Nat} (hk : k = 0 ∨ 2 * k = n) (t : Nat) : (u ^ (k * t)).im = 0 := by
  rcases hk with rfl | hk
  · rw [Nat.zero_mul, Semiring.pow_zero]; rfl
  · have h := congrArg Pair.im (W.power_sub (k := k) (by omega) t)
    rw [show n - k = k by omega, Pair.im_conj] at h
    grind

/-- Mode `k` of `y` times what it counts in a real signal of `n` points, `mₖ / n`, and 0 beyond the last. -/
def counted (n : Nat) (y : Vector (Pair α) M) (k : Nat) : Pair α :=
  .real (((Int.ofNat (multiplicity n k) : Int) : α) / (n : α)) * zeroPadded y k

/-- The signal that the text evaluates, as a sum over complex numbers. -/
theorem signalAt_eq_sum (y : Vector (Pair α) M) (t : Fin n) :
    @signalAt α (exactly f pick) n M w y t = sumTo M fun k => (counted n y k * u ^ (k * t.1)).re := by
  let c (k : Nat) : α := ((Int.ofNat (multiplicity n k) : Int) : α) / (n : α)
  have signal : @signalAt α (exactly f pick) n M w y t = sumTo (M + M) fun i =>
      if i < M then (zeroPadded y i).re * (c i * (u ^ (i * t.1)).re)
      else (zeroPadded y (i - M)).im * -(c (i - M) * (u ^ ((i - M) * t.1)).im) := by
    refine dot_exactly f pick fun i => ?_
    by_cases h : i.1 < M
    · simp only [h, dif_pos, if_pos, zeroPadded_of_lt, W.rootAt]; rfl
    · have h' : i.1 - M < M := by omega
      simp only [h, dif_neg, if_neg, not_false_eq_true, zeroPadded_of_lt _ h', W.rootAt]; rfl
  rw [signal, sumTo_append, ← sumTo_add]
  refine sumTo_congr M fun k hk => ?_
  have h' : ¬M + k < M := by omega
  simp only [hk, if_pos, h', if_neg, not_false_eq_true, Nat.add_sub_cancel_left, counted, Pair.re_mul, Pair.im_mul, Pair.real, c]
  grind

/-- The inverse transform of the Hermitian spectrum with the lowest modes `y` is real, and it is the signal that the text evaluates,
but for the factor `n`. -/
theorem dft_hermitian (h2 : (2 : α) ≠ 0) (hn : (n : α) ≠ 0) (y : Vector (Pair α) M) (hM : M ≤ n / 2 + 1) (t : Fin n) :
    dft n u (hermitian n (zeroPadded y)) t = .real (n * @signalAt α (exactly f pick) n M w y t) := by
  have pos : 0 < n := Nat.lt_of_le_of_lt (Nat.zero_le _) t.2
  let F (k : Nat) := hermitian n (zeroPadded y) k * u ^ (k * t.1)
  have flip (k : Nat) (h0 : 0 < k) (hk : k < n) : F (n - k) = (F k).conj := by
    simp only [F, Pair.conj_mul, W.power_sub (Nat.le_of_lt hk)]
    congr 1
    unfold hermitian
    by_cases hs : 2 * k = n
    · have : n - k = k := by omega
      rw [this, if_pos (.inr hs), if_pos (.inr hs)]
      exact Pair.ext rfl (by show (0 : α) = -0; grind)
    · rw [if_neg (show ¬(n - k = 0 ∨ 2 * (n - k) = n) by omega), if_neg (show ¬(k = 0 ∨ 2 * k = n) by omega)]
      by_cases hlt : 2 * k < n
      · rw [if_pos hlt, if_neg (by omega), show n - (n - k) = k by omega]
      · rw [if_neg hlt, if_pos (by omega), Pair.conj_conj]
  apply Pair.ext
  · show (sumTo n F).re = n * _
    rw [Pair.re_sumTo, sumTo_even pos (fun k => (F k).re) fun k h0 hk => by
        show (F (n - k)).re = (F k).re
        rw [flip k h0 hk, Pair.re_conj],
      sumTo_zeros hM fun k hk hk' => by
        have : hermitian n (zeroPadded y) k = .real 0 := by
          unfold hermitian
          rw [zeroPadded_of_le y hk]
          split
          · rfl
          · rw [if_pos (by omega)]; rfl
        simp only [F, this, Pair.re_mul, Pair.real]
        grind]
    have hc (k : Nat) : (n : α) * (((Int.ofNat (multiplicity n k) : Int) : α) / (n : α)) = (multiplicity n k : α) := by
      rw [show ((Int.ofNat (multiplicity n k) : Int) : α) = (multiplicity n k : α) from Ring.intCast_natCast _]
      grind
    rw [signalAt_eq_sum f pick W, ← mul_sumTo]
    refine sumTo_congr M fun k hk => ?_
    have hk' := hc k
    simp only [F, counted, Pair.re_mul, Pair.im_mul, Pair.real]
    unfold hermitian
    split
    · rename_i hs
      have := W.im_power h2 hs t.1
      simp only [Pair.real, this]
      grind
    · rw [if_pos (by omega)]
      grind
  · show (sumTo n F).im = 0
    rw [Pair.im_sumTo]
    have first : (F 0).im = 0 := by
      have h0 := W.im_power h2 (.inl rfl) t.1
      simp only [F, Pair.im_mul, h0]
      unfold hermitian
      rw [if_pos (.inl rfl)]
      simp only [Pair.real]
      grind
    have h := sumTo_odd (n := n) (fun k => (F k).im) first fun k h0 hk => by
      show (F (n - k)).im = -(F k).im
      rw [flip k h0 hk, Pair.im_conj]
    grind

/-- The spectral convolution is the inverse discrete Fourier transform of the Hermitian spectrum whose lowest modes are, for each of
them, the complex matrix of that mode times the channels' transforms. -/
theorem dft_spectralConv (h2 : (2 : α) ≠ 0) (hn : (n : α) ≠ 0) (weight : Vector (Mat O C (Pair α)) M) (x : Mat C n α)
    (hM : M ≤ n / 2 + 1) (o : Fin O) (t : Fin n) :
    dft n u (hermitian n (zeroPadded (build M fun k => sumTo C fun c => zeroPadded weight[k][o] c *
      zeroPadded (build C fun c => dft n u.conj (fun j => .real (zeroPadded x[c] j)) k) c))) t =
      .real (n * (@spectralConv α (exactly f pick) n M C O w weight x)[o][t]) := by
  have modes : (@outputModes α (exactly f pick) n M C O w weight x)[o] = build M fun k => sumTo C fun c =>
      zeroPadded weight[k][o] c * zeroPadded (build C fun c => dft n u.conj (fun j => .real (zeroPadded x[c] j)) k) c := by
    ext k hk
    simp only [outputModes, Fin.getElem_fin, getElem_build, mixed_exactly, mode_eq_dft f pick W]
  have signal : (@spectralConv α (exactly f pick) n M C O w weight x)[o][t] =
      @signalAt α (exactly f pick) n M w (@outputModes α (exactly f pick) n M C O w weight x)[o] t := by
    simp only [spectralConv, mapVec, Fin.getElem_fin, getElem_build]
  rw [signal, ← dft_hermitian f pick W h2 hn _ hM, modes]

omit [Max α] in
/-- The transform of a real signal is Hermitian. -/
theorem hermitian_dft (h2 : (2 : α) ≠ 0) (x : Nat → α) {k : Nat} (hk : k < n) :
    hermitian n (dft n u.conj fun j => .real (x j)) k = dft n u.conj (fun j => .real (x j)) k := by
  have flip (k : Nat) (hk : k ≤ n) : (dft n u.conj (fun j => .real (x j)) (n - k)).conj =
      dft n u.conj (fun j => .real (x j)) k := by
    unfold dft
    apply Pair.ext
    · rw [Pair.re_conj, Pair.re_sumTo, Pair.re_sumTo]
      refine sumTo_congr n fun j _ => ?_
      simp only [← Pair.conj_pow, Nat.mul_comm j, W.power_sub hk, Pair.conj_conj, Pair.re_mul, Pair.real, Pair.re_conj]
      grind
    · rw [Pair.im_conj, Pair.im_sumTo, Pair.im_sumTo]
      have h : (sumTo n fun j => ((Pair.real (x j)) * u.conj ^ (j * k)).im) =
          sumTo n fun j => -1 * ((Pair.real (x j)) * u.conj ^ (j * (n - k))).im := by
        refine sumTo_congr n fun j _ => ?_
        simp only [← Pair.conj_pow, Nat.mul_comm j, W.power_sub hk, Pair.conj_conj, Pair.im_mul, Pair.real, Pair.im_conj]
        grind
      rw [h, mul_sumTo]
      grind
  have real (k : Nat) (h : k = 0 ∨ 2 * k = n) : (dft n u.conj (fun j => .real (x j)) k).im = 0 := by
    unfold dft
    rw [Pair.im_sumTo, sumTo_congr n (g := fun _ => 0) fun j _ => ?_, sumTo_zero]
    have := W.im_power h2 h j
    simp only [← Pair.conj_pow, Nat.mul_comm j, Pair.im_mul, Pair.real, Pair.im_conj, this]
    grind
  unfold hermitian
  split
  · rename_i h
    exact Pair.ext rfl (real k h).symm
  · split
    · rfl
    · exact flip k (by omega)

/-- All modes of a signal give the signal back. -/
theorem signalAt_modes (h2 : (2 : α) ≠ 0) (hn : (n : α) ≠ 0) (x : Vector α n) (t : Fin n) :
    @signalAt α (exactly f pick) n (n / 2 + 1) w (build (n / 2 + 1) fun k => @mode α (exactly f pick) n w x k) t = x[t] := by
  have same (k : Nat) (hk : k < n) : hermitian n (zeroPadded (build (n / 2 + 1) fun k => @mode α (exactly f pick) n w x k)) k =
      dft n u.conj (fun j => .real (zeroPadded x j)) k := by
    rw [← hermitian_dft W h2 _ hk]
    have low (k : Nat) (h : k < n / 2 + 1) : zeroPadded (build (n / 2 + 1) fun k => @mode α (exactly f pick) n w x k) k =
        dft n u.conj (fun j => .real (zeroPadded x j)) k := by
      rw [zeroPadded_of_lt _ h, getElem_build, mode_eq_dft f pick W]
    unfold hermitian
    split
    · rw [low k (by omega)]
    · split
      · rw [low k (by omega)]
      · rw [low (n - k) (by omega)]
  have h := dft_hermitian f pick W h2 hn (build (n / 2 + 1) fun k => @mode α (exactly f pick) n w x k) (Nat.le_refl _) t
  have back := W.root.symm.dft_dft (fun j => .real (zeroPadded x j)) t.1 t.2
  have e : dft n u (hermitian n (zeroPadded (build (n / 2 + 1) fun k => @mode α (exactly f pick) n w x k))) t.1 =
      dft n u (dft n u.conj fun j => .real (zeroPadded x j)) t.1 :=
    sumTo_congr n fun k hk => by rw [same k hk]
  rw [e, back] at h
  have h := congrArg Pair.re h
  simp only [Pair.re_mul, Pair.real, Pair.re_natCast, Pair.im_natCast, zeroPadded_of_lt x t.2] at h
  show _ = x[t.1]
  grind

end Spec
