const series = /^(\w+)\{(.*)\} /
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** What looks like an id, a person or an address: uuid, long number, hash, code, mail address, telephone number, number in a path. */
const idLike = [
  /[0-9a-f]{8}-[0-9a-f]{4}/i,
  /\d{5,}/,
  /(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}/i,
  /[A-Z]{2,}-\d+/,
  /@/,
  /\+\d/,
  /\/\d/,
]

/** Labels that hold a bound or a version, not a name. */
const numeric = new Set(['le', 'quantile', 'version'])

/** Values of labels in a text of metrics (Prometheus' format) that look like ids, as `metric{label="value"}`. */
export const idLikeLabels = (text: string): string[] => {
  const found = new Set<string>()
  for (const line of text.split('\n')) {
    const [, name = '', labels = ''] = series.exec(line) ?? []
    for (const [, key = '', value = ''] of labels.matchAll(label))
      if (!numeric.has(key) && idLike.some((pattern) => pattern.test(value))) found.add(`${name}{${key}="${value}"}`)
  }
  return [...found]
}

/** How many series each metric has. */
export const seriesCounts = (text: string): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) {
    const name = /^(\w+)[{ ]/.exec(line)?.[1]
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
