/** How people, ids and secrets look. */

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { encode } from "uqr";

import { useAccount } from "../state/model.js";
import { useStore } from "../state/store.js";
import { shortId, t } from "../texts/index.js";
import { announce, Button } from "./basics.js";
import { Icon } from "./icon.js";

/** A sign for a person, in one of a few colours that follows from the id. */
export function Avatar({ id, name }: { id: string; name?: string | undefined }): JSX.Element {
  const hue = Array.from(id).reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 997, 7) % 8;
  const letters = name?.trim() ?? "";
  return <span class={`avatar hue-${hue}`} aria-hidden="true">{letters === "" ? <Icon name="person" /> : Array.from(letters)[0]?.toUpperCase()}</span>;
}

/** The name by which one knows a person, or that one does not. */
export function useName(): (id: string) => string {
  const account = useAccount();
  const contacts = useStore(account.contacts);
  return (id) => (id === account.id ? t.common.you : (contacts.find((c) => c.id === id)?.nickname ?? shortId(id)));
}

/** A person in a line: sign, name, and the id for who is not known. */
export function Person({ id, note }: { id: string; note?: string | undefined }): JSX.Element {
  const account = useAccount();
  const contacts = useStore(account.contacts);
  const own = id === account.id;
  const nickname = contacts.find((c) => c.id === id)?.nickname;
  return (
    <span class="person">
      <Avatar id={id} name={own ? account.session.identity.name : nickname} />
      <span class="person-words">
        <span class="person-name">{own ? t.common.you : (nickname ?? <span class="mono">{shortId(id)}</span>)}</span>
        {note !== undefined ? <span class="soft">{note}</span> : nickname === undefined && !own ? <span class="soft">{t.common.unknown}</span> : null}
      </span>
    </span>
  );
}

/**
 * Something to be copied as it stands.
 *
 * @param short - shows one line of it
 */
export function Copyable({ label, text, short = false }: { label: string; text: string; short?: boolean }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    announce(t.common.copied);
    setTimeout(() => { setCopied(false); }, 2000);
  };
  return (
    <div class="copyable">
      <div class="copyable-words">
        <span class="copyable-label">{label}</span>
        <code class={short ? "cut" : undefined}>{text}</code>
      </div>
      <Button icon={copied ? "check" : "copy"} onClick={() => { void copy(); }} aria-label={`${t.common.copy}: ${label}`}>{copied ? t.common.copied : t.common.copy}</Button>
    </div>
  );
}

/** A text as a QR code. */
export function Qr({ text, label }: { text: string; label: string }): JSX.Element {
  const { size, path } = useMemo(() => {
    const { data, size } = encode(text, { ecc: "M", border: 2 });
    return { size, path: data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("") };
  }, [text]);
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  );
}

/** 60 digits in groups of five. */
export function Digits({ digits }: { digits: string }): JSX.Element {
  const groups = digits.replace(/\D/g, "").match(/.{1,5}/g) ?? [];
  return <p class="digits">{groups.map((g, i) => <span key={i}>{g} </span>)}</p>;
}

/** A table of facts. */
export function Facts({ rows }: { rows: readonly (readonly [label: string, value: string | JSX.Element])[] }): JSX.Element {
  return (
    <dl class="facts">
      {rows.map(([label, value]) => <div key={label}><dt>{label}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}
