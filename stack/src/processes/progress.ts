const from = Date.now()

/** One line of progress: seconds since the start, the part, what happened. */
export const say = (part: string, text: string): void => {
  const seconds = ((Date.now() - from) / 1000).toFixed(1).padStart(6)
  for (const line of text.split('\n')) process.stdout.write(`${seconds} s  ${part.padEnd(17)} ${line}\n`)
}

export const secondsSoFar = (): string => ((Date.now() - from) / 1000).toFixed(1)
