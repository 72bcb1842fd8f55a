section Exact
variable [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] (f : Functions α)
  (pick : α → α → α) (same : ∀ x, pick x x = x) (E : Exponential f.exp) (p : Params D H P N K α) (eps : α)
include same E

/-- In exact arithmetic a mixer that reads one input at a time gives the outputs of the mixer that computes in chunks: a decoder
and a prefill kernel have one specification. -/
theorem run_eq_mixer {Q : Nat} (hQ : 0 < Q) (xs : List (Vector α D)) :
    @run α (exactly f pick) D H P N K p eps (@State.zero α (exactly f pick) H P N K) xs =
      @mixer α (exactly f pick) D H P N K Q hQ p eps xs := by
  rw [@run_eq_recurrentMixer _ _ _ _ _ α (exactly f pick)]
  simp only [recurrentMixer, mixer, chunked_eq_recurrent f pick same E]

/-- In exact arithmetic the length of the chunks does not matter. -/
theorem mixer_chunks {Q R : Nat} (hQ : 0 < Q) (hR : 0 < R) (xs : List (Vector α D)) :
    @mixer α (exactly f pick) D H P N K Q hQ p eps xs = @mixer α (exactly f pick) D H P N K R hR p eps xs := by
  rw [← run_eq_mixer f pick same E, ← run_eq_mixer f pick same E]

end Exact
end Spec.Mamba2
