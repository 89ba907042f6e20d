// stack/start.mjs starts before this process; the time counts from there.
const startedAt = Number(process.env.CLIENTELE_STARTED_AT) || Date.now()

/** Prints a line of progress: seconds since the start, source, text, such as `   3.1 s  postgres          ready (2.0 s)`. */
export const logProgress = (source: string, text: string): void => {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)
  for (const line of text.split('\n')) process.stdout.write(`${seconds} s  ${source.padEnd(17)} ${line}\n`)
}

export const elapsedSeconds = (): string => ((Date.now() - startedAt) / 1000).toFixed(1)
