import { z } from 'zod'
import { deepestOffset, defaultLimit, type ListGrammar, mostRows, parseListQuery } from './query.ts'

export type QuerySchema = z.ZodObject<Record<string, z.ZodOptional<z.ZodString>>, z.core.$loose>

const paging = ['limit', 'cursor', 'offset']

/** The parameters of a list, without those of paging where it is not paged. */
export const querySchema = (grammar: ListGrammar, isPaged: boolean): QuerySchema => {
  const parameter = (description: string) => z.string().optional().meta({ description })
  const whole = (minimum: number, maximum: number, description: string) =>
    parameter(description).meta({ override: { type: 'integer', minimum, maximum } })
  const filters = [...grammar.filters].map(([name, { filter }]) => {
    const others = filter.operators
      .filter((operator) => operator !== 'eq')
      .map((operator) => `\`${name}[${operator}]\``)
    return [name, parameter(`${filter.description}${others.length > 0 ? `. Also ${others.join(', ')}` : ''}`)] as const
  })
  const shape = {
    ...(grammar.search !== undefined && {
      q: parameter('free text; every word must occur, one of one or two letters at the beginning of a word'),
    }),
    ...Object.fromEntries(filters),
    ...Object.fromEntries(
      [...grammar.aliases].map(([alias, name]) => [alias, parameter(`another name of \`${name}\``)]),
    ),
    sort: parameter(
      `fields between commas, - in front for descending: ${[...grammar.sort.keys()].join(', ')}. Default ${grammar.defaultSort}`,
    ),
    ...(isPaged && {
      limit: whole(1, mostRows, `rows in a page, 1 to ${mostRows}. Default ${defaultLimit}`),
      cursor: parameter('`nextCursor` or `prevCursor` of another page'),
      offset: whole(0, deepestOffset, `rows to skip, up to ${deepestOffset}; not together with cursor`),
    }),
  }
  return z.looseObject(shape).superRefine((record, context) => {
    if (!isPaged)
      for (const name of paging.filter((each) => each in record))
        context.addIssue({
          code: 'custom',
          message: 'is not known here',
          path: [name],
          params: { code: 'unknown_parameter' },
        })
    for (const { code, parameter: name, message } of parseListQuery(grammar, record).faults) {
      context.addIssue({ code: 'custom', message, path: [name], params: { code, parameter: name } })
    }
  })
}
