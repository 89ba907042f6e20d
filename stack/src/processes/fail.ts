/** Ends the command with a word to the person who gave it. */
export const fail = (text: string): never => {
  console.error(text)
  process.exit(1)
}
