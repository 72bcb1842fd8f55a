module
public import Spec.Law.Spectral

/-!
# The discrete Fourier transform of few modes, by residues

What compiled transforms of the lowest modes rely on. Of `P R` points every `P`-th is transformed alone, by halves, which gives a number
for each residue of the modes modulo `R`; and for a real signal and `R = 2 S` the modes `R q + r` and `R (q + 1) - r` are sums and differences
of the same four sums of products.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast
variable {α : Type} [CommRing α]

theorem power_mul (w : α) (m n : Nat) : w ^ (m * n) = (w ^ m) ^ n := by
  induction n with
  | zero => rw [Nat.mul_zero, Semiring.pow_zero, Semiring.pow_zero]
  | succ n ih => rw [Nat.mul_succ, power_add, ih, Semiring.pow_succ]

theorem sumTo_split (P R : Nat) (f : Nat → α) : sumTo (P * R) f = sumTo P fun s => sumTo R fun τ => f (s + P * τ) := by
  rw [sumTo_swap]
  induction R with
  | zero => rfl
  | succ R ih =>
    rw [Nat.mul_succ, sumTo_append, ih, sumTo]
    exact congrArg _ (sumTo_congr P fun s _ => by rw [Nat.add_comm])

/-- The transform of `P R` points by the transforms of every `P`-th of them. -/
theorem dft_split (P R : Nat) (w : α) (x : Nat → α) (k : Nat) :
    dft (P * R) w x k = sumTo P fun s => w ^ (s * k) * dft R (w ^ P) (fun τ => x (s + P * τ)) k := by
  rw [dft, sumTo_split]
  refine sumTo_congr P fun s _ => ?_
  rw [dft, ← mul_sumTo]
  refine sumTo_congr R fun τ _ => ?_
  rw [Nat.add_mul, power_add, ← power_mul, Nat.mul_assoc]
  grind

/-- A mode of `R` points is known by its residue modulo `R`. -/
theorem dft_residue {R : Nat} {w : α} (root : w ^ R = 1) (x : Nat → α) (q r : Nat) : dft R w x (R * q + r) = dft R w x r := by
  refine sumTo_congr R fun j _ => ?_
  rw [Nat.mul_add, power_add, show j * (R * q) = j * q * R by grind, power_root root]
  grind

/-- The transform of `2 m` points by the transforms of the even and of the odd ones. -/
theorem dft_halves {m : Nat} {w : α} (half : w ^ m = -1) (x : Nat → α) (k : Nat) :
    let even := dft m (w ^ 2) (fun τ => x (2 * τ)) k
    let odd := dft m (w ^ 2) (fun τ => x (1 + 2 * τ)) k
    dft (2 * m) w x k = even + w ^ k * odd ∧ dft (2 * m) w x (m + k) = even - w ^ k * odd := by
  have whole : (w ^ 2) ^ m = 1 := by rw [← power_mul, Nat.mul_comm, power_mul, half]; grind
  have two (l : Nat) : dft (2 * m) w x l =
      dft m (w ^ 2) (fun τ => x (2 * τ)) l + w ^ l * dft m (w ^ 2) (fun τ => x (1 + 2 * τ)) l := by
    rw [dft_split]
    simp only [sumTo, Nat.zero_mul, Nat.one_mul, Nat.zero_add, Semiring.pow_zero]
    grind
  refine ⟨two k, ?_⟩
  rw [two, show m + k = m * 1 + k by omega, dft_residue whole, dft_residue whole, power_add, Nat.mul_one, half]
  grind

/-- And back: the even and the odd outputs of a transform of `2 m` numbers are transforms of the sums and differences of their halves. -/
theorem dft_alternate {m : Nat} {w : α} (half : w ^ m = -1) (x : Nat → α) (j : Nat) :
    dft (2 * m) w x (2 * j) = dft m (w ^ 2) (fun k => x k + x (m + k)) j ∧
      dft (2 * m) w x (2 * j + 1) = dft m (w ^ 2) (fun k => (x k - x (m + k)) * w ^ k) j := by
  have whole : w ^ (m * 2) = 1 := by rw [power_mul, half]; grind
  have even (k : Nat) : w ^ ((m + k) * (2 * j)) = (w ^ 2) ^ (k * j) := by
    rw [← power_mul, show (m + k) * (2 * j) = j * (m * 2) + 2 * (k * j) by grind, power_add, power_root whole]
    grind
  have own (k : Nat) : w ^ (k * (2 * j)) = (w ^ 2) ^ (k * j) := by
    rw [← power_mul, show k * (2 * j) = 2 * (k * j) by grind]
  constructor <;> rw [Nat.two_mul m, dft, sumTo_append, ← sumTo_add] <;> refine sumTo_congr m fun k _ => ?_
  · rw [even, own]
    grind
  · rw [Nat.mul_succ, Nat.mul_succ, power_add, power_add, even, own, power_add, half]
    grind

theorem sumTo_sub (f g : Nat → α) (n : Nat) : sumTo n (fun i => f i - g i) = sumTo n f - sumTo n g := by
  induction n with
  | zero => simp only [sumTo]; grind
  | succ n ih => simp only [sumTo, ih]; grind

variable {P S : Nat} {u : Pair α}

/-- The transform of the points `s, s + P, ...` of a real signal, at the residue `r` of `R`. -/
def residueAt (P R : Nat) (u : Pair α) (x : Nat → α) (s r : Nat) : Pair α :=
  dft R (u.conj ^ P) (fun τ => .real (x (s + P * τ))) r

/-- What that is multiplied by: `exp (-2πi (r - S) s / n)`. -/
def residueFactor (S : Nat) (u : Pair α) (s r : Nat) : Pair α := u.conj ^ (s * r) * u ^ (s * S)

/-- What turn `q` of all residues is multiplied by: `exp (-2πi (2 S q + S) s / n)`. -/
def turnFactor (S : Nat) (u : Pair α) (s q : Nat) : Pair α := u.conj ^ (s * (2 * S * q + S))

theorem power_whole (root : PrincipalRoot (P * (2 * S)) u u.conj) : (u ^ P) ^ (2 * S) = 1 := by rw [← power_mul, root.root]

/-- Powers of a root of unity for the residues `2 S - r` and `r` are conjugates. -/
theorem power_other (root : PrincipalRoot (P * (2 * S)) u u.conj) {r : Nat} (hr : r ≤ 2 * S) (τ : Nat) :
    (u ^ P) ^ (τ * (2 * S - r)) = ((u ^ P) ^ (τ * r)).conj := by
  have h1 := power_root (power_whole root) τ
  have h2 := power_inv root.inv (P * (τ * r))
  rw [show 2 * S = 2 * S - r + r by omega, Nat.mul_add, power_add, ← power_mul u P (τ * r)] at h1
  rw [← power_mul u P (τ * r), Pair.conj_pow]
  grind

/-- The same of the places. -/
theorem power_place (root : PrincipalRoot (P * (2 * S)) u u.conj) {r : Nat} (hr : r ≤ 2 * S) (s q : Nat) :
    u.conj ^ (s * (2 * S * (q + 1) - r)) = (residueFactor S u s r).conj * turnFactor S u s q := by
  have h1 := power_inv root.inv (s * r)
  have h2 : u.conj ^ (s * (2 * S - r)) * u.conj ^ (s * r) = u.conj ^ (s * S) * u.conj ^ (s * S) := by
    rw [← power_add, ← power_add, ← Nat.mul_add, ← Nat.mul_add, show 2 * S - r + r = S + S by omega]
  rw [show 2 * S * (q + 1) - r = 2 * S * q + (2 * S - r) by rw [Nat.mul_succ]; omega, residueFactor, turnFactor, Pair.conj_mul,
    Pair.conj_pow, Pair.conj_conj, Pair.conj_pow, Nat.mul_add, Nat.mul_add, power_add, power_add]
  grind

theorem power_own (root : PrincipalRoot (P * (2 * S)) u u.conj) (s q r : Nat) :
    u.conj ^ (s * (2 * S * q + r)) = residueFactor S u s r * turnFactor S u s q := by
  have h := power_inv root.inv (s * S)
  rw [residueFactor, turnFactor, Nat.mul_add, Nat.mul_add, power_add, power_add]
  grind

theorem power_conj_one {w : Pair α} {n : Nat} (root : w ^ n = 1) : w.conj ^ n = 1 := by
  rw [← Pair.conj_pow, root]
  exact Pair.ext rfl (by show -(0 : α) = 0; grind)

/-- Of a real signal the halves give mode `k` and, as a conjugate, mode `m - k`. -/
theorem dft_real_halves {m : Nat} {w : Pair α} (inv : w * w.conj = 1) (half : w ^ m = -1) (x : Nat → α) {k : Nat} (hk : k ≤ m) :
    let even := dft m (w ^ 2) (fun τ => .real (x (2 * τ))) k
    let odd := dft m (w ^ 2) (fun τ => .real (x (1 + 2 * τ))) k
    dft (2 * m) w (fun j => .real (x j)) k = even + w ^ k * odd ∧
      dft (2 * m) w (fun j => .real (x j)) (m - k) = (even - w ^ k * odd).conj := by
  intro even odd
  obtain ⟨first, second⟩ := dft_halves half (fun j => .real (x j)) k
  refine ⟨first, ?_⟩
  have whole : w ^ (m * 2) = 1 := by rw [power_mul, half]; grind
  have power (j : Nat) : w ^ (j * (m - k)) = (w ^ (j * (m + k))).conj := by
    have h1 := power_inv inv (j * (m + k))
    have h2 : w ^ (j * (m - k)) * w ^ (j * (m + k)) = 1 := by
      rw [← power_add, ← Nat.mul_add, show m - k + (m + k) = m * 2 by omega]
      exact power_root whole j
    rw [Pair.conj_pow]
    grind
  rw [show even - w ^ k * odd = _ from second.symm]
  apply Pair.ext
  · rw [dft, dft, Pair.re_conj, Pair.re_sumTo, Pair.re_sumTo]
    refine sumTo_congr _ fun j _ => ?_
    simp only [power, Pair.re_mul, Pair.real, Pair.re_conj]
    grind
  · rw [dft, dft, Pair.im_conj, Pair.im_sumTo, Pair.im_sumTo, show ∀ a : α, -a = -1 * a by grind, ← mul_sumTo]
    refine sumTo_congr _ fun j _ => ?_
    simp only [power, Pair.im_mul, Pair.real, Pair.im_conj]
    grind

/-- Two modes of a real signal are sums and differences of four sums of products. -/
theorem dft_pair (root : PrincipalRoot (P * (2 * S)) u u.conj) (x : Nat → α) (q r : Nat) (hr : r ≤ 2 * S) :
    let z s := residueFactor S u s r * residueAt P (2 * S) u x s r
    let v s := turnFactor S u s q
    let rr := sumTo P fun s => (z s).re * (v s).re
    let ii := sumTo P fun s => (z s).im * (v s).im
    let ri := sumTo P fun s => (z s).re * (v s).im
    let ir := sumTo P fun s => (z s).im * (v s).re
    dft (P * (2 * S)) u.conj (fun j => .real (x j)) (2 * S * q + r) = ⟨rr - ii, ri + ir⟩ ∧
      dft (P * (2 * S)) u.conj (fun j => .real (x j)) (2 * S * (q + 1) - r) = ⟨rr + ii, ri - ir⟩ := by
  intro z v rr ii ri ir
  have whole : (u.conj ^ P) ^ (2 * S) = 1 := by rw [← Pair.conj_pow]; exact power_conj_one (power_whole root)
  have other (s : Nat) : residueAt P (2 * S) u x s (2 * S - r) = (residueAt P (2 * S) u x s r).conj := by
    have power (τ : Nat) : (u.conj ^ P) ^ (τ * (2 * S - r)) = ((u.conj ^ P) ^ (τ * r)).conj := by
      rw [← Pair.conj_pow, ← Pair.conj_pow, ← Pair.conj_pow, power_other root hr]
    apply Pair.ext
    · rw [residueAt, residueAt, dft, dft, Pair.re_conj, Pair.re_sumTo, Pair.re_sumTo]
      refine sumTo_congr _ fun τ _ => ?_
      simp only [power, Pair.re_mul, Pair.real, Pair.re_conj]
      grind
    · rw [residueAt, residueAt, dft, dft, Pair.im_conj, Pair.im_sumTo, Pair.im_sumTo, show ∀ a : α, -a = -1 * a by grind, ← mul_sumTo]
      refine sumTo_congr _ fun τ _ => ?_
      simp only [power, Pair.im_mul, Pair.real, Pair.im_conj]
      grind
  have first : dft (P * (2 * S)) u.conj (fun j => .real (x j)) (2 * S * q + r) = sumTo P fun s => z s * v s := by
    rw [dft_split]
    refine sumTo_congr P fun s _ => ?_
    rw [dft_residue whole, power_own root]
    show _ * residueAt P (2 * S) u x s r = _
    simp only [z, v]
    grind
  have second : dft (P * (2 * S)) u.conj (fun j => .real (x j)) (2 * S * (q + 1) - r) = sumTo P fun s => (z s).conj * v s := by
    rw [dft_split]
    refine sumTo_congr P fun s _ => ?_
    rw [power_place root hr, show 2 * S * (q + 1) - r = 2 * S * q + (2 * S - r) by rw [Nat.mul_succ]; omega, dft_residue whole]
    show _ * residueAt P (2 * S) u x s (2 * S - r) = _
    simp only [z, v, Pair.conj_mul, other]
    grind
  refine ⟨first.trans (Pair.ext ?_ ?_), second.trans (Pair.ext ?_ ?_)⟩
  · rw [Pair.re_sumTo, ← sumTo_sub]; rfl
  · rw [Pair.im_sumTo, ← sumTo_add]; rfl
  · rw [Pair.re_sumTo, ← sumTo_add]
    exact sumTo_congr P fun s _ => by simp only [Pair.re_mul, Pair.re_conj, Pair.im_conj]; grind
  · rw [Pair.im_sumTo, ← sumTo_sub]
    exact sumTo_congr P fun s _ => by simp only [Pair.im_mul, Pair.re_conj, Pair.im_conj]; grind

/-- The same of what the text evaluates. -/
theorem mode_pair {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α) {P S : Nat} {w : Vector (Pair α) (P * (2 * S))}
    {u : Pair α} (W : RootTable w u) (x : Vector α (P * (2 * S))) (q r : Nat) (hr : r ≤ 2 * S) :
    let z s := residueFactor S u s r * residueAt P (2 * S) u (zeroPadded x) s r
    let v s := turnFactor S u s q
    let rr := sumTo P fun s => (z s).re * (v s).re
    let ii := sumTo P fun s => (z s).im * (v s).im
    let ri := sumTo P fun s => (z s).re * (v s).im
    let ir := sumTo P fun s => (z s).im * (v s).re
    @mode α (exactly f pick) _ w x (2 * S * q + r) = ⟨rr - ii, ri + ir⟩ ∧
      @mode α (exactly f pick) _ w x (2 * S * (q + 1) - r) = ⟨rr + ii, ri - ir⟩ := by
  rw [mode_eq_dft f pick W, mode_eq_dft f pick W]
  exact dft_pair W.root (zeroPadded x) q r hr

/-- And back: what two modes `a` and `b` give the point `s + P τ` is, but for the powers of the residue, a sum of products with the sums
and differences of their real and imaginary parts. -/
theorem signal_pair (root : PrincipalRoot (P * (2 * S)) u u.conj) (a b : Pair α) (s τ q r : Nat) (hr : r ≤ 2 * S) :
    let v := turnFactor S u s q
    (a * u ^ ((s + P * τ) * (2 * S * q + r)) + b * u ^ ((s + P * τ) * (2 * S * (q + 1) - r))).re =
      ((residueFactor S u s r).conj * ⟨v.re * (a.re + b.re) + v.im * (a.im + b.im), v.re * (a.im - b.im) - v.im * (a.re - b.re)⟩ *
        (u ^ P) ^ (τ * r)).re := by
  intro v
  have turn (k : Nat) : u ^ ((s + P * τ) * (2 * S * q + k)) = (u.conj ^ (s * (2 * S * q + k))).conj * (u ^ P) ^ (τ * k) := by
    have h := power_root (power_whole root) (τ * q)
    rw [Pair.conj_pow, Pair.conj_conj, Nat.add_mul, power_add, Nat.mul_assoc P, power_mul u P, Nat.mul_add τ, power_add,
      show τ * (2 * S * q) = τ * q * (2 * S) by grind, h]
    grind
  have other : 2 * S * (q + 1) - r = 2 * S * q + (2 * S - r) := by rw [Nat.mul_succ]; omega
  have mine := turn r
  have its := turn (2 * S - r)
  rw [power_own root] at mine
  rw [← other, power_place root hr, other, power_other root hr] at its
  rw [mine, other, its]
  simp only [v, Pair.re_add, Pair.re_mul, Pair.im_mul, Pair.re_conj, Pair.im_conj]
  grind

/-- A sum over `2 S` residues by those up to `S`, each with the one at the other end, unless it is its own or has none. -/
theorem sumTo_ends {S : Nat} (hS : 0 < S) (g : Nat → α) :
    sumTo (2 * S) g = sumTo (S + 1) fun r => g r + if 0 < r ∧ r < S then g (2 * S - r) else 0 := by
  obtain ⟨m, rfl⟩ : ∃ m, S = m + 1 := ⟨S - 1, by omega⟩
  have ends : (sumTo (m + 1 + 1) fun r => if 0 < r ∧ r < m + 1 then g (2 * (m + 1) - r) else 0) =
      sumTo m fun j => g (m + 1 + 1 + j) := by
    rw [sumTo_first, sumTo, if_neg (by omega), if_neg (by omega), sumTo_reverse]
    rw [show ∀ z : α, 0 + (z + 0) = z by intro z; grind]
    refine sumTo_congr m fun j hj => ?_
    rw [if_pos (by omega), show 2 * (m + 1) - (m - 1 - j + 1) = m + 1 + 1 + j by omega]
  rw [show 2 * (m + 1) = m + 1 + 1 + m by omega, sumTo_append, sumTo_add, show m + 1 + 1 + m = 2 * (m + 1) by omega, ends]

/-- What the modes `c` of the residues `r` and `2 S - r` give the place `s`: sums of products over the turns, times a power of the root. -/
def fromModes (S Q : Nat) (u : Pair α) (c : Nat → Pair α) (s r : Nat) : Pair α :=
  let v q := turnFactor S u s q
  let a q := c (2 * S * q + r)
  let b q := if 0 < r ∧ r < S then c (2 * S * (q + 1) - r) else .real 0
  (residueFactor S u s r).conj *
    ⟨sumTo Q fun q => (v q).re * ((a q).re + (b q).re) + (v q).im * ((a q).im + (b q).im),
      sumTo Q fun q => (v q).re * ((a q).im - (b q).im) - (v q).im * ((a q).re - (b q).re)⟩

section Signal
variable {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α) {P S Q M : Nat} {w : Vector (Pair α) (P * (2 * S))} {u : Pair α}
  (W : RootTable w u) (hS : 0 < S) (hM : M ≤ 2 * S * Q) (y : Vector (Pair α) M) (s τ : Nat) (h : s + P * τ < P * (2 * S))
include W hS hM

/-- The whole signal that the text evaluates, at the point `s + P τ`: a sum over the residues up to `S`. -/
theorem signalAt_pairs : @signalAt α (exactly f pick) (P * (2 * S)) M w y ⟨s + P * τ, h⟩ =
    sumTo (S + 1) fun r => (fromModes S Q u (counted (P * (2 * S)) y) s r * (u ^ P) ^ (τ * r)).re := by
  let v q := turnFactor S u s q
  let a r q := counted (P * (2 * S)) y (2 * S * q + r)
  let b r q := if 0 < r ∧ r < S then counted (P * (2 * S)) y (2 * S * (q + 1) - r) else .real 0
  let t := s + P * τ
  let g (k : Nat) : α := (counted (P * (2 * S)) y k * u ^ (k * t)).re
  have beyond (k : Nat) (hk : M ≤ k) : g k = 0 := by
    simp only [g, counted, zeroPadded_of_le y hk, Pair.re_mul, Pair.im_mul]
    show (_ * 0 - _ * 0) * _ - (_ * 0 + _ * 0) * _ = (0 : α)
    grind
  rw [signalAt_eq_sum f pick W]
  show sumTo M g = _
  rw [← sumTo_zeros hM fun k hk _ => beyond k hk, sumTo_split, sumTo_ends hS]
  refine sumTo_congr (S + 1) fun r hr => ?_
  have both (q : Nat) : g (r + 2 * S * q) + (if 0 < r ∧ r < S then g (2 * S - r + 2 * S * q) else 0) =
      ((residueFactor S u s r).conj * ⟨(v q).re * ((a r q).re + (b r q).re) + (v q).im * ((a r q).im + (b r q).im),
        (v q).re * ((a r q).im - (b r q).im) - (v q).im * ((a r q).re - (b r q).re)⟩ * (u ^ P) ^ (τ * r)).re := by
    rw [← signal_pair W.root (a r q) (b r q) s τ q r (by omega), Pair.re_add]
    congr 1
    · simp only [g, a, Nat.add_comm r, Nat.mul_comm _ t]; rfl
    · by_cases p : 0 < r ∧ r < S
      · have : 2 * S - r + 2 * S * q = 2 * S * (q + 1) - r := by rw [Nat.mul_succ]; omega
        simp only [g, b, if_pos p, this, Nat.mul_comm _ t]; rfl
      · simp only [b, if_neg p, Pair.re_mul, Pair.real]
        grind
  have pull : (if 0 < r ∧ r < S then sumTo Q fun q => g (2 * S - r + 2 * S * q) else 0) =
      sumTo Q fun q => if 0 < r ∧ r < S then g (2 * S - r + 2 * S * q) else 0 := by
    by_cases p : 0 < r ∧ r < S
    · simp only [if_pos p]
    · simp only [if_neg p, sumTo_zero]
  rw [pull, ← sumTo_add, sumTo_congr Q fun q _ => both q, ← Pair.re_sumTo, sumTo_mul, mul_sumTo]
  congr 3
  exact Pair.ext (Pair.re_sumTo ..) (Pair.im_sumTo ..)

/-- The points `s, s + P, ...` of that signal are the inverse transform of `2 S` modes, the last of them conjugates, with half of what the
residues that have a partner give. -/
theorem signalAt_hermitian (h2 : (2 : α) ≠ 0) : @signalAt α (exactly f pick) (P * (2 * S)) M w y ⟨s + P * τ, h⟩ =
    (dft (2 * S) (u ^ P) (hermitian (2 * S) fun r =>
      let z := fromModes S Q u (counted (P * (2 * S)) y) s r
      if 0 < r ∧ r < S then .real (1 / 2) * z else z) τ).re := by
  rw [signalAt_pairs f pick W hS hM, dft, Pair.re_sumTo, sumTo_ends hS]
  refine sumTo_congr (S + 1) fun r hr => ?_
  have other := power_other W.root (r := r) (by omega) τ
  rw [Nat.mul_comm r τ, Nat.mul_comm (2 * S - r) τ, other]
  unfold hermitian
  by_cases p : 0 < r ∧ r < S
  · rw [if_pos p, if_neg (by omega), if_pos (by omega), if_neg (by omega), if_neg (by omega), show 2 * S - (2 * S - r) = r by omega]
    simp only [if_pos p, Pair.re_mul, Pair.im_mul, Pair.re_conj, Pair.im_conj, Pair.real]
    grind
  · rw [if_neg p, if_pos (by omega)]
    have real : ((u ^ P) ^ (τ * r)).im = 0 := by
      obtain rfl | rfl : r = 0 ∨ r = S := by omega
      · rw [Nat.mul_zero, Semiring.pow_zero]; rfl
      · have i := congrArg Pair.im other
        rw [show 2 * r - r = r by omega, Pair.im_conj] at i
        grind
    simp only [if_neg p, Pair.re_mul, Pair.real, real]
    grind

end Signal

end Spec
