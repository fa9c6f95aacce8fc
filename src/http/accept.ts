/** The media types of GraphQL responses. */
export type ResponseType = 'application/json' | 'application/graphql-response+json';

const TYPES: Readonly<Record<string, ResponseType>> = {
  'application/graphql-response+json': 'application/graphql-response+json',
  'application/json': 'application/json',
  'application/*': 'application/json',
  '*/*': 'application/json',
};

/**
 * Returns the media type of the response for an `Accept` header: the preferred one of those that are available, otherwise JSON.
 * A server may disregard the header, which is better than executing an operation and then responding with 406.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
 */
export function negotiate(accept: string | undefined): ResponseType {
  let preferred: ResponseType = 'application/json';
  let preferredQuality = 0;
  for (const range of accept?.split(',') ?? []) {
    const [name = '', ...parameters] = range.split(';');
    const type = TYPES[name.trim().toLowerCase()];
    const quality = qualityOf(parameters);
    if (type === undefined || quality <= preferredQuality) continue;
    preferred = type;
    preferredQuality = quality;
  }
  return preferred;
}

function qualityOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const quality = /^\s*q\s*=\s*([\d.]+)\s*$/i.exec(parameter)?.[1];
    if (quality !== undefined) return Number(quality) || 0;
  }
  return 1;
}
