/** Runs the work of a one-shot container: what it has done on stdout, or why it cannot, and code 1. */
export const runOnce = async (work: () => Promise<string[]>): Promise<void> => {
  try {
    for (const line of await work()) console.log(line)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
