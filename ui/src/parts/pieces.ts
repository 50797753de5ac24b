/** How do the terms of a score lie end to end? */

import type { TermBody } from "../api/schema";

export interface Piece {
  name: string;
  value: number;
  /** Where it begins, from 0 to 100. */
  from: number;
  takes: boolean;
  detail: string;
}

/**
 * The terms laid end to end: what is added from the left, and what is taken away back from where
 * that ends. Where the last one ends is the score.
 */
export function pieces(terms: readonly TermBody[]): Piece[] {
  let at = 0;
  const added = terms.filter((term) => term.value >= 0);
  const taken = terms.filter((term) => term.value < 0);
  return [...added, ...taken].map((term) => {
    const from = term.value < 0 ? at + term.value : at;
    at += term.value;
    return { name: term.name, value: term.value, from, takes: term.value < 0, detail: term.detail };
  });
}
