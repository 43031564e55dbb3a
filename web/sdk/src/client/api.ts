/**
 * The service's HTTP interface, for those who talk to it themselves: its types, made from its
 * OpenAPI document (`npm run generate`), and a middleware that signs requests. What is fetched so
 * is verified by nobody: prefer the functions of the client.
 *
 * ```ts
 * const answer = await client.call<Answer<"list_grants">>("GET", "/v1/grants");
 * const response = await serviceFetch(client)("/v1/grants");      // a fetch that signs
 * createClient<paths>({ baseUrl }).use(signing(client));          // openapi-fetch
 * ```
 */

import type { Client } from "./client.js";
import { ServiceError } from "./errors.js";
import type { components, operations, paths } from "./openapi.js";
import { plainFetch, signatureOf } from "./transport.js";

export type { operations, paths };

/** What requests and answers consist of, by name. */
export type Schemas = components["schemas"];

/** The name of an operation, "get_sym_key". */
export type Operation = keyof operations;

type JSONOf<T> = T extends { content: { "application/json": infer J } } ? J : never;

/** What an operation is sent. */
export type Body<O extends Operation> = operations[O] extends { requestBody: infer B } ? JSONOf<B> : undefined;

/** What an operation answers when nothing is wrong. */
export type Answer<O extends Operation> = operations[O] extends { responses: { 200: infer R } } ? JSONOf<R> : never;

/**
 * Returns a request with the headers that sign it for the client's server: Signature-Input,
 * Signature and, with a body, Content-Digest. A signature is good once: sign again before sending again.
 *
 * @param request - to the client's server; its body is read into memory
 * @throws ServiceError "malformed" for a request to anywhere else; "no_identity", "closed"
 */
export async function signRequest(c: Client, request: Request): Promise<Request> {
  const url = new URL(request.url);
  if (url.origin !== c.base) throw new ServiceError("malformed", "sign requests to the client's own server only");
  const body = new Uint8Array(await request.clone().arrayBuffer());
  const headers = new Headers(request.headers);
  const signed = await signatureOf(c, c.self(), {
    method: request.method, path: url.pathname + url.search, body, idempotencyKey: headers.get("idempotency-key") ?? "",
  });
  for (const [name, value] of Object.entries(signed)) headers.set(name, value);
  return new Request(request, { headers, redirect: "manual", ...(body.length > 0 && { body }) });
}

/** Returns a middleware as openapi-fetch takes it. */
export function signing(c: Client): { readonly onRequest: (options: { request: Request }) => Promise<Request> } {
  return { onRequest: ({ request }) => signRequest(c, request) };
}

/** Returns a fetch that signs what it sends, to paths of the client's server. Redirects are not followed. */
export function serviceFetch(c: Client): (path: string, init?: RequestInit) => Promise<Response> {
  return async (path, init) => {
    const request = await signRequest(c, new Request(new URL(path, `${c.base}/`), init));
    const body = await request.arrayBuffer();
    const { method, headers, signal } = request;
    return plainFetch(c, request.url, { method, headers, signal, ...(body.byteLength > 0 && { body }) });
  };
}
