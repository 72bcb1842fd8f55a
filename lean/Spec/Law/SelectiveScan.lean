module
public import Spec.Model.SelectiveScan
public import Spec.Law.OnlineSoftmax
public import Spec.Law.Mamba

/-!
# Laws of the selective scan

A kernel may cut time in chunks: each one runs from the zero state, and the state before it decays by one exponential.
-/

@[expose] public noncomputable section
namespace Spec.Mamba
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast
variable {E N : Nat}

section AnyArithmetic
variable {α : Type} [Scalar α] (a : Mat E N α) (d bias : Vector α E)

/-- The state that a selective scan leaves. -/
def stateAfter (h0 : Mat E N α) (xs : List (ScanInput E N α)) : Mat E N α :=
  xs.foldl (fun h x => (scanNext a d bias (h, d) x).1) h0

theorem foldl_scanNext (s : Mat E N α × Vector α E) (xs : List (ScanInput E N α)) :
    (xs.foldl (scanNext a d bias) s).1 = stateAfter a d bias s.1 xs := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih => exact ih _

/-- A selective scan can be cut anywhere: the second part starts at the state that the first one leaves, bit for bit. -/
theorem selectiveScan_append (h0 : Mat E N α) (xs ys : List (ScanInput E N α)) :
    selectiveScan a d bias h0 (xs ++ ys) =
      selectiveScan a d bias h0 xs ++ selectiveScan a d bias (stateAfter a d bias h0 xs) ys := by
  have same (s t : Mat E N α × Vector α E) (h : s.1 = t.1) (zs : List (ScanInput E N α)) :
      scanWith (scanNext a d bias) s zs = scanWith (scanNext a d bias) t zs := by
    cases zs with
    | nil => rfl
    | cons z zs => simp only [scanWith, scanNext, h]
  simp only [selectiveScan, scanWith_append, List.map_append]
  rw [same _ (stateAfter a d bias h0 xs, d) (foldl_scanNext a d bias (h0, d) xs)]

/-- Without chunks, what the spec point evaluates is the selective scan, bit for bit. -/
theorem chunkedScan_nil (h0 : Mat E N α) (xs : List (ScanInput E N α)) : chunkedScan [] a d bias h0 xs = selectiveScan a d bias h0 xs := by
  have all (s : Mat E N α × Vector α E × List (Chunk E N α)) (t : Mat E N α × Vector α E) (hs : s.1 = t.1) (none : s.2.2 = []) :
      (scanWith (chunkedNext a d bias) s xs).map (fun s => s.2.1) = (scanWith (scanNext a d bias) t xs).map Prod.snd := by
    induction xs generalizing s t with
    | nil => rfl
    | cons x xs ih =>
      have next : chunkedNext a d bias s x = ((scanNext a d bias t x).1, (scanNext a d bias t x).2, []) := by
        simp only [chunkedNext, scanNext, handed, none, hs, List.map_nil, List.foldl_nil]
      simp only [scanWith, List.map_cons, next]
      exact congrArg _ (ih _ _ rfl rfl)
  exact all _ _ rfl rfl

end AnyArithmetic

section Exact
variable {α : Type} [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
variable (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x) (exponential : Exponential f.exp)
local notation "ℰ" => exactly f pick
include same exponential

omit same exponential in
theorem rescaling_exactly : (@Scalar.const α ℰ 12102203 8388608 : α) * @Scalar.const α ℰ 8388608 12102203 = 1 := by
  show ((12102203 : Int) : α) / ((8388608 : Nat) : α) * (((8388608 : Int) : α) / ((12102203 : Nat) : α)) = 1
  have x : ((12102203 : Int) : α) = ((12102203 : Nat) : α) := Ring.intCast_natCast 12102203
  have y : ((8388608 : Int) : α) = ((8388608 : Nat) : α) := Ring.intCast_natCast 8388608
  have pos (n : Nat) : (0 : α) < ((n + 1 : Nat) : α) := by
    induction n with
    | zero => rw [Semiring.natCast_succ, Semiring.natCast_zero]; grind
    | succ n ih => rw [Semiring.natCast_succ]; grind
  have p : ((12102203 : Nat) : α) ≠ 0 := fun h => by have := pos 12102202; rw [h] at this; grind
  have q : ((8388608 : Nat) : α) ≠ 0 := fun h => by have := pos 8388607; rw [h] at this; grind
  rw [x, y]
  generalize ((12102203 : Nat) : α) = x at p
  generalize ((8388608 : Nat) : α) = y at q
  grind

omit exponential in
theorem rescaled_exactly (x : α) : @rescaled α ℰ x = x := by
  show pick x (x * @Scalar.const α ℰ 12102203 8388608 * @Scalar.const α ℰ 8388608 12102203) = x
  rw [Semiring.mul_assoc, rescaling_exactly, Semiring.mul_one, same]

omit exponential in
theorem scanDecayAt_exactly (δ y : α) : @scanDecayAt α ℰ δ y = f.exp (δ * y) := by
  have twice : δ * (y * @Scalar.const α ℰ 12102203 8388608) * @Scalar.const α ℰ 8388608 12102203 = δ * y := by
    rw [← Semiring.mul_assoc δ y, Semiring.mul_assoc (δ * y), rescaling_exactly, Semiring.mul_one]
  have both : pick (δ * y) (δ * (y * @Scalar.const α ℰ 12102203 8388608) * @Scalar.const α ℰ 8388608 12102203) = δ * y := by
    rw [twice, same]
  simp only [scanDecayAt]
  refine congrArg f.exp ?_
  show pick _ _ = _
  rw [both]

omit exponential in
theorem scanStep_decay (a : Mat E N α) (dt : Vector α E) (x : ScanInput E N α) (e n : Nat) (he : e < E) (hn : n < N) :
    (@scanStep α ℰ E N a dt x).1[e][n] = f.exp (dt[e] * a[e][n]) := by
  simp only [scanStep, getElem_build, Fin.getElem_fin]
  exact scanDecayAt_exactly f pick same dt[e] a[e][n]

/-- In exact arithmetic, what a chunk has gives the state `h`: the state before it, decayed by one exponential, and its own. -/
def Chunk.Gives (exp : α → α) (a : Mat E N α) (h : Mat E N α) (c : Chunk E N α) : Prop :=
  ∀ (e n : Nat) (he : e < E) (hn : n < N), h[e][n] = exp (total c.sizes[e] * a[e][n]) * c.start[e][n] + c.own[e][n]

omit same in
theorem Chunk.begin_gives (a h : Mat E N α) (length : Nat) : (@Chunk.begin α ℰ E N length h).Gives f.exp a h := by
  intro e n he hn
  have zero : (@Scalar.zero α ℰ : α) = 0 := by
    show ((0 : Int) : α) / ((1 : Nat) : α) = 0
    rw [Ring.intCast_zero]; grind
  have one : f.exp (total [] * a[e][n]) = 1 := by
    rw [← exponential.zero]; exact congrArg f.exp (by simp only [total, List.foldr_nil]; grind)
  simp only [Chunk.begin, getElem_build, zero, one]
  grind

omit [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] same exponential in
private theorem regroup (d x s o i : α) : d * (x * s + o) + i = d * x * s + (d * o + i) := by grind

theorem Chunk.next_gives (a : Mat E N α) (dt : Vector α E) (x : ScanInput E N α) (h : Mat E N α) (c : Chunk E N α)
    (hc : c.Gives f.exp a h) :
    (@Chunk.next α ℰ E N dt (@scanStep α ℰ E N a dt x) c).Gives f.exp a
      (@stateStep α ℰ E N h (@scanStep α ℰ E N a dt x).1 (@scanStep α ℰ E N a dt x).2) := by
  intro e n he hn
  have decay := scanStep_decay f pick same a dt x e n he hn
  have add : f.exp (total (dt[e] :: c.sizes[e]) * a[e][n]) = f.exp (dt[e] * a[e][n]) * f.exp (total c.sizes[e] * a[e][n]) := by
    rw [← exponential.add]
    exact congrArg f.exp (by simp only [total, List.foldr_cons]; grind)
  have step (h : Mat E N α) : (@stateStep α ℰ E N h (@scanStep α ℰ E N a dt x).1 (@scanStep α ℰ E N a dt x).2)[e][n] =
      f.exp (dt[e] * a[e][n]) * h[e][n] + (@scanStep α ℰ E N a dt x).2[e][n] := by
    rw [← decay]
    generalize @scanStep α ℰ E N a dt x = m
    simp only [stateStep, getElem_build]
    rfl
  have sizes : (@Chunk.next α ℰ E N dt (@scanStep α ℰ E N a dt x) c).sizes[e] = dt[e] :: c.sizes[e] := by
    simp only [Chunk.next, getElem_build, Fin.getElem_fin]
  show _ = f.exp (total (@Chunk.next α ℰ E N dt (@scanStep α ℰ E N a dt x) c).sizes[e] * a[e][n]) * c.start[e][n] +
    (@stateStep α ℰ E N c.own (@scanStep α ℰ E N a dt x).1 (@scanStep α ℰ E N a dt x).2)[e][n]
  rw [sizes, add, step, step, hc e n he hn]
  exact regroup _ _ _ _ _

omit exponential in
theorem handed_exactly (a h : Mat E N α) (chunks : List (Chunk E N α)) (hc : ∀ c ∈ chunks, c.Gives f.exp a h) :
    @handed α ℰ E N a h chunks = h := by
  have carry (c : Chunk E N α) (hc : c.Gives f.exp a h) : @Chunk.carry α ℰ E N a c h = h := by
    apply Vector.ext
    intro e he
    apply Vector.ext
    intro n hn
    simp only [Chunk.carry, getElem_build, scanDecayAt_exactly f pick same]
    show pick h[e][n] (f.exp (total c.sizes[e] * a[e][n]) * c.start[e][n] + c.own[e][n]) = _
    rw [← hc e n he hn, same]
  induction chunks with
  | nil => rfl
  | cons c cs ih =>
    have rest := ih fun c h => hc c (.tail _ h)
    simp only [handed, List.foldl_cons] at rest ⊢
    split
    · rw [carry c (hc c (.head _))]; exact rest
    · exact rest

/-- In exact arithmetic chunks of time side by side, of any lengths, give the outputs of the steps one after the other. -/
theorem chunkedScan_eq (lengths : List Nat) (a : Mat E N α) (d bias : Vector α E) (h0 : Mat E N α) (xs : List (ScanInput E N α)) :
    @chunkedScan α ℰ E N lengths a d bias h0 xs = @selectiveScan α ℰ E N a d bias h0 xs := by
  have all (s : Mat E N α × Vector α E × List (Chunk E N α)) (t : Mat E N α × Vector α E) (hs : s.1 = t.1)
      (hc : ∀ c ∈ s.2.2, c.Gives f.exp a s.1) :
      (scanWith (@chunkedNext α ℰ E N a d bias) s xs).map (fun s => s.2.1) =
        (scanWith (@scanNext α ℰ E N a d bias) t xs).map Prod.snd := by
    clear h0
    induction xs generalizing s t with
    | nil => rfl
    | cons x xs ih =>
      have gives : ∀ c ∈ s.2.2.map fun c => @Chunk.next α ℰ E N (@scanSizes α ℰ E N bias x)
          (@scanStep α ℰ E N a (@scanSizes α ℰ E N bias x) x) c, c.Gives f.exp a (@scanNext α ℰ E N a d bias t x).1 := by
        intro c hc'
        obtain ⟨c, hc'', rfl⟩ := List.mem_map.mp hc'
        have := Chunk.next_gives f pick same exponential a (@scanSizes α ℰ E N bias x) x s.1 c (hc c hc'')
        rw [hs] at this
        exact this
      have after := handed_exactly f pick same a _ _ gives
      have state : (@chunkedNext α ℰ E N a d bias s x).1 = (@scanNext α ℰ E N a d bias t x).1 := by
        simp only [chunkedNext, hs]
        exact after
      simp only [scanWith, List.map_cons]
      refine congr (congrArg _ ?_) (ih _ _ state fun c hc' => ?_)
      · simp only [chunkedNext, scanNext, hs]
      · rw [state]
        simp only [chunkedNext, hs] at hc'
        obtain ⟨c, hc'', rfl⟩ := List.mem_map.mp hc'
        split
        · have at_ := Chunk.begin_gives f pick exponential a (@scanNext α ℰ E N a d bias t x).1 c.length
          simp only [scanNext] at after at_ ⊢
          rw [after]
          exact at_
        · exact gives c hc''
  refine all _ _ rfl fun c hc => ?_
  obtain ⟨n, _, rfl⟩ := List.mem_map.mp hc
  exact Chunk.begin_gives f pick exponential a h0 n

end Exact
end Spec.Mamba
