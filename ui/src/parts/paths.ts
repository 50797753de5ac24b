/** How does the server write the way to a value in a document? */

export type Step = string | number;

const PLAIN_WORD = /^[^\s.[\]"]+$/;

/** As `agents.coder.requires[1]` or `models["a/b-1.5"].price`. */
export function spelled(path: readonly Step[]): string {
  return path.reduce<string>((words, step) => {
    if (typeof step === "number") return `${words}[${step}]`;
    if (PLAIN_WORD.test(step)) return words ? `${words}.${step}` : step;
    return `${words}["${step}"]`;
  }, "");
}
