"""Which agent should stand on which model, when the whole fleet is seen as one problem?

`problem` states it, `limits` says what is scarce, `greedy` and `optimal` answer it with a `plan`,
`relaxation` says what stands in the way of an answer, `pareto` offers several, `explanation` says
why, `stability` what changes and what does not, `trial` when a tried model has proved itself.
"""
