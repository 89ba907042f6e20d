const series = /^(\w+)\{(.*)\} /
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** Patterns of ids and personal data: UUID, long number, hash, code, e-mail address, phone number, number in a path. */
const idLike = [
  /[0-9a-f]{8}-[0-9a-f]{4}/i,
  /\d{5,}/,
  /(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}/i,
  /[A-Z]{2,}-\d+/,
  /@/,
  /\+\d/,
  /\/\d/,
]

/** Labels whose values are numbers by definition. */
const numeric = new Set(['le', 'quantile', 'version'])

/** Finds label values that look like ids in metrics (Prometheus text format). @returns them as `metric{label="value"}` */
export const idLikeLabels = (text: string): string[] => {
  const found = new Set<string>()
  for (const line of text.split('\n')) {
    const [, name = '', labels = ''] = series.exec(line) ?? []
    for (const [, key = '', value = ''] of labels.matchAll(label))
      if (!numeric.has(key) && idLike.some((pattern) => pattern.test(value))) found.add(`${name}{${key}="${value}"}`)
  }
  return [...found]
}

/** Counts the series of each metric. */
export const seriesCounts = (text: string): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) {
    const name = /^(\w+)[{ ]/.exec(line)?.[1]
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
