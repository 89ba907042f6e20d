import { documentedAs } from '@clientele/contracts/fields'
import { z } from 'zod'
import { booleanValue, type Filter, type JsonSchema, maxValues, type Operator, textValue } from './filters.ts'
import {
  byRelevance,
  defaultLimit,
  type ListGrammar,
  maxLimit,
  maxOffset,
  parseListQuery,
  totalParameter,
  totalValues,
} from './query.ts'
import { maxSortFields } from './sort.ts'
import { countLimits, defaultCountLimit } from './total.ts'

export type QuerySchema = z.ZodObject<Record<string, z.ZodOptional<z.ZodUnknown>>, z.core.$loose>
/** The schema of a list's parameters and of others, which have the schemas `Others`. */
export type QuerySchemaWith<Others extends z.ZodRawShape> = z.ZodType<
  Record<string, unknown> & z.output<z.ZodObject<Others>>
>

const paging = ['limit', 'cursor', 'offset', totalParameter]

const isFilterValue = ({ filters }: ListGrammar, name: string, value: unknown): boolean =>
  filters.has(name) && !(name === totalParameter && totalValues.includes(String(value)))

const meanings: Record<Operator, string> = {
  eq: 'Equal to the value',
  ne: 'Not equal to the value',
  gt: 'Greater than the value',
  gte: 'Greater than the value or equal to it',
  lt: 'Less than the value',
  lte: 'Less than the value or equal to it',
  contains: 'Contains the text, in upper or lower case',
  startsWith: 'Begins with the text, in upper or lower case',
  exists: 'Whether there is a value',
}

const several = (items: JsonSchema): JsonSchema => ({ type: 'array', items, minItems: 1, maxItems: maxValues })

const schemaOf = ({ value, hasSeveral }: Filter, operator: Operator): JsonSchema => {
  if (operator === 'exists') return booleanValue
  return hasSeveral && (operator === 'eq' || operator === 'ne') ? several(value) : value
}

const lowerFirst = (text: string): string => text.replace(/^./, (letter) => letter.toLowerCase())
const pascalCase = (name: string): string => name.replace(/^./, (letter) => letter.toUpperCase())

type Described = { schema: JsonSchema; description: string; example?: string[] | undefined }

const filterParameters = (name: string, filter: Filter): [string, Described][] =>
  filter.operators.map((operator) => [
    operator === 'eq' ? name : `${name}[${operator}]`,
    {
      schema: schemaOf(filter, operator),
      description: `${operator === 'eq' ? filter.description : meanings[operator]}.`,
      example: operator === 'eq' ? filter.example : undefined,
    },
  ])

const thousands = (count: number): string => count.toLocaleString('en-US')

/** Describes the parameter `total`, which may be a filter as well. */
const describeTotal = (filter: Described | undefined): Described => {
  const description = `How far rows are counted for \`page.total\`: up to ${thousands(defaultCountLimit)}, with \`exact\` up to ${thousands(countLimits.exact)}, with \`none\` not at all.`
  if (!filter) return { schema: { type: 'string', enum: totalValues }, description }
  // A text and not a union with the filter's type, which generators of Java and Python make an object of that they cannot send.
  return { schema: textValue, description: `${filter.description} Or ${lowerFirst(description)}` }
}

/** Describes all parameters, in the order of the documentation. */
const parametersOf = (grammar: ListGrammar, isPaged: boolean): Map<string, Described> => {
  const { search, filters, aliases, sort, defaultSort } = grammar
  const text = { type: 'string', maxLength: 1_000 }
  const parameters = new Map<string, Described>()
  if (search !== undefined)
    parameters.set('q', {
      schema: text,
      description: `Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word.${search.toleratesErrors ? ' If nothing is found, a word of four letters or more may have one typing error; `page.matchedBy` then is `similar`.' : ''}`,
    })
  for (const [name, { filter }] of filters)
    for (const [parameter, described] of filterParameters(name, filter)) parameters.set(parameter, described)
  // OpenAPI has no parameters with any name, and generators do not compile an object with any keys (`deepObject`), so the
  // description of the operation names these.
  if (!isPaged)
    for (const [name, { filter }] of grammar.keyed)
      parameters.set(name, {
        schema: { type: 'object', propertyNames: filter.key, additionalProperties: filter.value },
        description: `${filter.description}.`,
      })
  for (const [alias, name] of aliases)
    parameters.set(alias, { schema: parameters.get(name)?.schema ?? text, description: `Another name of \`${name}\`.` })
  const sorts = [...sort.keys()].flatMap((name) => [name, `-${name}`])
  const sortNames = [...sort.keys()].map(pascalCase).flatMap((name) => [name, `${name}Descending`])
  const relevance =
    search === undefined
      ? ''
      : ` \`${byRelevance}\` sorts by how well \`q\` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs \`q\`, stands alone, and has no \`offset\`.`
  parameters.set('sort', {
    schema: {
      ...several({
        type: 'string',
        enum: search === undefined ? sorts : [...sorts, byRelevance],
        // Generators make constants of these.
        'x-enum-varnames': search === undefined ? sortNames : [...sortNames, pascalCase(byRelevance)],
      }),
      maxItems: maxSortFields,
    },
    description: `Fields to sort by, separated by commas; a leading \`-\` means descending. Default: \`${defaultSort}\`.${relevance}`,
  })
  if (isPaged) {
    parameters.set('limit', {
      schema: { type: 'integer', minimum: 1, maximum: maxLimit },
      description: `Rows per page. Default: ${defaultLimit}${filters.has('id') ? `, with \`id\` ${maxValues}` : ''}.`,
    })
    parameters.set('cursor', {
      schema: text,
      description: 'The `nextCursor` or `prevCursor` of another page of the list.',
    })
    parameters.set('offset', {
      schema: { type: 'integer', minimum: 0, maximum: maxOffset },
      description: 'Rows to skip. Cannot be used together with `cursor`.',
    })
    parameters.set(totalParameter, describeTotal(parameters.get(totalParameter)))
  }
  return parameters
}

/**
 * Creates the schema of a list's parameters, for validation and OpenAPI. Without `isPaged` it has no `limit`, `cursor`,
 * `offset` and `total`, and is the schema of an object in a body. `others` are parameters of the route that the list does not know.
 */
export const querySchema = (grammar: ListGrammar, isPaged: boolean, others: z.ZodRawShape = {}): QuerySchema => {
  const shape = Object.fromEntries(
    [...parametersOf(grammar, isPaged)].map(([name, { schema, description, example }]) => [
      name,
      z
        .unknown()
        .optional()
        .meta({
          ...documentedAs(isPaged ? schema : { ...schema, description, ...(example !== undefined && { example }) }),
          // Values are separated by commas instead of repeating the parameter.
          param: {
            description,
            ...(example !== undefined && { example }),
            ...(schema['type'] === 'array' && { style: 'form' as const, explode: false }),
          },
        }),
    ]),
  )
  const schema = z.looseObject({ ...shape, ...others }).superRefine((all, context) => {
    const record = Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(others, name)))
    if (!isPaged)
      for (const name of paging.filter((each) => each in record && !isFilterValue(grammar, each, record[each])))
        context.addIssue({
          code: 'custom',
          message: 'is not a known parameter',
          path: [name],
          params: { code: 'unknown_parameter' },
        })
    for (const { code, parameter: name, message } of parseListQuery(grammar, record).errors) {
      context.addIssue({ code: 'custom', message, path: [name], params: { code, parameter: name } })
    }
  })
  return schema as QuerySchema
}
