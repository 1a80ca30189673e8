// What befalls bytes on their way from one node to another. Each direction of each pair has a rule of its own, so that a
// line can be cut one way.

export type NetworkRule =
  | { readonly kind: "open" }
  /** Bytes, and the ends of connections, wait until the rule changes. */
  | { readonly kind: "held" }
  /** Each chunk arrives so much later; the order stays. */
  | { readonly kind: "delayed"; readonly delayMs: number };

export const open: NetworkRule = { kind: "open" };
export const held: NetworkRule = { kind: "held" };
