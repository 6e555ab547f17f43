import { Kind, parse } from 'graphql'

/** The operation definitions of a document; none where it cannot be parsed. */
export function operationsOf(text) {
  try {
    const { definitions } = parse(text, { noLocation: true })
    return definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  } catch {
    return []
  }
}
