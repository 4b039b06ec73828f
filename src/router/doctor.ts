export async function runDoctor(_: readonly string[]): Promise<number> {
  return 1;
}
