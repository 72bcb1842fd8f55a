module
public import Spec.Layer.SsdChunks
public import Spec.Law.Mamba

/-!
# Laws of the heads' recurrence and of their chunks

They hold for every scalar, so for floating-point numbers bit for bit.
-/

@[expose] public noncomputable section
namespace Spec.Mamba2
variable {α : Type} [Scalar α] {H P N Q : Nat}
open Scalar

theorem getElem_chunk (xs : Array (Reading H P N α)) (m i : Nat) (h : i < Q) :
    (chunk Q xs m)[i] = xs.getD (m * Q + i) Reading.nothing := by
  rw [chunk, getElem_build]

omit [Scalar α] in
theorem getElem_logs (s : Vector (Reading H P N α) Q) (k : Fin H) (i : Nat) (h : i < Q) :
    (logs s k)[i] = s[i].g[k] := by
  rw [logs, getElem_build]; rfl

theorem getElem_advance (h : Image H P N α) (s : Reading H P N α) (k : Fin H) (p : Fin P) (n : Fin N) :
    (advance h s)[k][p][n] = step (exp s.g[k]) h[k][p][n] (s.v[k][p] * s.b[n]) := by
  simp only [advance, Fin.getElem_fin, getElem_build]

theorem getElem_absorb (s : Vector (Reading H P N α) Q) (h : Image H P N α) (k : Fin H) (p : Fin P) (n : Fin N) :
    (absorb s h)[k][p][n] = step (exp (sum (entries Q fun i => (logs s k)[i]))) h[k][p][n]
      (dot (entries Q fun j => (s[j].b[n] * between (logs s k) ⟨Q - 1, by have := j.2; omega⟩ j, s[j].v[k][p]))) := by
  simp only [absorb, toEnd, Fin.getElem_fin, getElem_build]

theorem getElem_readout (d : Vector α H) (s : Reading H P N α) (h : Image H P N α) (k : Fin H) (p : Fin P) :
    (readout d s h)[k][p] = dot ((d[k], s.x[k][p]) :: entries N fun n => (s.c[n], h[k][p][n])) := by
  simp only [readout, Fin.getElem_fin, getElem_build]

theorem getElem_emit (d : Vector α H) (s : Vector (Reading H P N α) Q) (h : Image H P N α) (i : Fin Q)
    (k : Fin H) (p : Fin P) : (emit d s h i)[k][p] =
      dot ((d[k], s[i].x[k][p]) :: (inner s[i].c h[k][p] * exp (upTo (logs s k) i), int 1) ::
      entries (i.1 + 1) fun j =>
        (inner s[i].c (s[j.1]'(by have := j.2; have := i.2; omega)).b *
          between (logs s k) i ⟨j.1, by have := j.2; have := i.2; omega⟩,
          (s[j.1]'(by have := j.2; have := i.2; omega)).v[k][p])) := by
  simp only [emit, Fin.getElem_fin, getElem_build]

/-- The state before chunk `m`. -/
def before (Q : Nat) (xs : Array (Reading H P N α)) : Nat → Image H P N α
  | 0 => noState
  | m + 1 => absorb (chunk Q xs m) (before Q xs m)

theorem length_starts (Q n : Nat) (xs : Array (Reading H P N α)) : (starts Q n xs).length = n + 1 := by simp [starts]

theorem getElem_starts (Q n : Nat) (xs : Array (Reading H P N α)) (m : Nat) (hm : m < n + 1) :
    (starts Q n xs)[m]'(by rw [length_starts]; exact hm) = before Q xs m := by
  have h (m : Nat) (hm : m ≤ n) :
      ((entries n fun k : Fin n => k.1).take m).foldl (fun h k => absorb (chunk Q xs k) h) noState = before Q xs m := by
    induction m with
    | zero => rfl
    | succ m ih =>
      rw [List.take_add_one, List.foldl_append, ih (by omega), before]
      have : m < n := hm
      simp [entries_eq_ofFn, this]
  cases m with
  | zero => rfl
  | succ m =>
    simp only [starts, List.getElem_cons_succ]
    rw [getElem_scanWith _ _ _ m (by simp; omega)]
    exact h (m + 1) (by omega)

@[simp] theorem length_chunked (hQ : 0 < Q) (d : Vector α H) (ss : List (Reading H P N α)) :
    (chunked hQ d ss).length = ss.length := by
  simp [chunked]

theorem getElem_chunked (hQ : 0 < Q) (d : Vector α H) (ss : List (Reading H P N α)) (t : Nat) (ht : t < ss.length) :
    (chunked hQ d ss)[t]'(by simpa using ht) =
      emit d (chunk Q ss.toArray (t / Q)) (before Q ss.toArray (t / Q)) ⟨t % Q, Nat.mod_lt _ hQ⟩ := by
  have hm : t / Q < ss.length / Q + 1 := Nat.lt_succ_of_le (Nat.div_le_div_right (Nat.le_of_lt ht))
  have h := getElem_starts Q (ss.length / Q) ss.toArray (t / Q) hm
  have hl := length_starts Q (ss.length / Q) ss.toArray
  simp only [chunked, foldl_push, entries_eq_ofFn, List.getElem_ofFn]
  simp only [Array.empty_append, List.size_toArray, Array.getD_eq_getD_getElem?, List.getElem?_toArray]
  rw [List.getElem?_eq_getElem (by omega), Option.getD_some, h]

@[simp] theorem length_recurrent (d : Vector α H) (h : Image H P N α) (ss : List (Reading H P N α)) :
    (recurrent d h ss).length = ss.length := by
  induction ss generalizing h with
  | nil => rfl
  | cons s ss ih => simp [recurrent, ih]

theorem getElem_recurrent (d : Vector α H) (h : Image H P N α) (ss : List (Reading H P N α)) (t : Nat) (ht : t < ss.length) :
    (recurrent d h ss)[t]'(by simpa using ht) = readout d ss[t] ((ss.take (t + 1)).foldl advance h) := by
  induction ss generalizing h t with
  | nil => simp at ht
  | cons s ss ih =>
    cases t with
    | zero => rfl
    | succ t =>
      simp only [recurrent, List.getElem_cons_succ, List.take_succ_cons, List.foldl_cons]
      exact ih _ t (by simpa using ht)

theorem upTo_congr {g g' : Vector α Q} {i : Fin Q} (h : ∀ r (hr : r < Q), r ≤ i.1 → g[r] = g'[r]) : upTo g i = upTo g' i := by
  unfold upTo
  congr 2
  funext r
  exact h r.1 _ (by have := r.2; omega)

theorem between_congr {g g' : Vector α Q} {i j : Fin Q} (hj : j.1 ≤ i.1) (h : ∀ r (hr : r < Q), r ≤ i.1 → g[r] = g'[r]) :
    between g i j = between g' i j := by
  unfold between
  rw [upTo_congr h, upTo_congr fun r hr hrj => h r hr (Nat.le_trans hrj hj)]
  congr 4
  funext r
  exact h _ _ (by have := r.2; omega)

/-- A place of a chunk reads the steps up to it alone. -/
theorem emit_congr {d : Vector α H} {s s' : Vector (Reading H P N α) Q} {h : Image H P N α} {i : Fin Q}
    (agree : ∀ j (hj : j < Q), j ≤ i.1 → s[j] = s'[j]) : emit d s h i = emit d s' h i := by
  have hi : s[i] = s'[i] := agree i.1 i.2 (Nat.le_refl _)
  have hg (k : Fin H) (r : Nat) (hr : r < Q) (hri : r ≤ i.1) : (logs s k)[r] = (logs s' k)[r] := by
    simp only [logs, getElem_build, Fin.getElem_fin, agree r hr hri]
  unfold emit
  congr 1
  funext k
  simp only [hi, upTo_congr (hg k)]
  congr 1
  funext p
  congr 3
  refine congrArg _ (funext fun j => ?_)
  have hj : j.1 ≤ i.1 := by have := j.2; omega
  simp only [getElem_build, Fin.getElem_fin, agree j.1 (by have := i.2; omega) hj]
  rw [between_congr hj (hg k)]

omit [Scalar α] in
theorem getD_take (ss : List (Reading H P N α)) (t i : Nat) (hi : i < t) (s : Reading H P N α) :
    (ss.take t).toArray.getD i s = ss.toArray.getD i s := by
  simp only [Array.getD_eq_getD_getElem?, List.getElem?_toArray, List.getElem?_take]
  rw [if_pos hi]

theorem before_congr {xs ys : Array (Reading H P N α)} (m : Nat)
    (agree : ∀ i < m * Q, xs.getD i Reading.nothing = ys.getD i Reading.nothing) : before Q xs m = before Q ys m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [Nat.succ_mul] at agree
    rw [before, before, ih fun i hi => agree i (by omega)]
    congr 1
    apply Vector.ext
    intro j hj
    simp only [chunk, getElem_build]
    exact agree _ (by omega)

/-- The first `t` outputs of the chunks need the first `t` steps alone, bit for bit. -/
theorem take_chunked (hQ : 0 < Q) (d : Vector α H) (ss : List (Reading H P N α)) (t : Nat) :
    (chunked hQ d ss).take t = chunked hQ d (ss.take t) := by
  apply List.ext_getElem
  · simp
  intro i h1 h2
  simp only [List.length_take, length_chunked] at h1
  have place : i / Q * Q + i % Q = i := by rw [Nat.mul_comm]; exact Nat.div_add_mod i Q
  rw [List.getElem_take, getElem_chunked hQ d ss i (by omega), getElem_chunked hQ d (ss.take t) i (by simp; omega),
    before_congr (xs := (ss.take t).toArray) (ys := ss.toArray) _ fun j hj => getD_take ss t j (by omega) _]
  refine emit_congr fun j hj hji => ?_
  simp only [chunk, getElem_build]
  exact (getD_take ss t _ (by simp only at hji; omega) _).symm

end Spec.Mamba2
