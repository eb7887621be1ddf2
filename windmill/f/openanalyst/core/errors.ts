// Errors that the shared scripts throw.

/** The arguments are wrong: the same arguments would fail again, so nobody tries. */
export class InvalidInput extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InvalidInput";
  }
}

export async function main() {
  return { names: ["InvalidInput"] };
}
