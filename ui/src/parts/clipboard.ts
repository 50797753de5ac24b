/** How does a text get onto the clipboard? */

/** Where the page came by plain HTTP from elsewhere there is none; then nothing happens. */
export function copy(text: string): void {
  const { clipboard } = navigator as { clipboard?: Clipboard };
  void clipboard?.writeText(text);
}
