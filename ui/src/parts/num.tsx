/** How does a value with its unit stand in a text that runs from right to left? */

/** Left to right in itself, whatever runs around it. */
export function Num({ children, class: name }: { children: string; class?: string }) {
  return (
    <bdi dir="ltr" class={name ? `num ${name}` : "num"}>
      {children}
    </bdi>
  );
}
