/** The recovery kit, in the only moment in which it can be had. */

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";

import { Button, Failure, Notice } from "../parts/basics.js";
import { Form, TextField } from "../parts/fields.js";
import { Facts, Qr } from "../parts/identity.js";
import { WithAccount, useModel } from "../state/model.js";
import type { Account } from "../state/account.js";
import { useWork } from "../state/work.js";
import { dayOf, t } from "../texts/index.js";
import { Front } from "./front.js";

/** What the QR code of a kit begins with, so that one sees what it is. */
const PREFIX = "RECRYPT:KIT:";

export function Kit({ kit, account }: { kit: readonly string[]; account: Account }): JSX.Element {
  const model = useModel();
  const [typed, setTyped] = useState("");
  const [tried, setTried] = useState(false);
  const asked = useMemo(() => pick(kit), [kit]);
  const right = same(typed, asked.answer);
  const enter = useWork(() => model.keptKit());
  const submit = (): void => {
    setTried(true);
    if (right && !enter.busy) void enter.run();
  };
  return (
    <WithAccount value={account}>
      <Front title={t.kit.title} wide>
        <p class="lead">{t.kit.lead}</p>
        <Sheet kit={kit} account={account} />
        <Notice kind="warn">{t.kit.warning}</Notice>
        <div class="row"><Button kind="primary" icon="print" onClick={() => { print(); }}>{t.kit.print}</Button></div>
        <Form label={t.kit.title} onSubmit={submit}>
          <TextField label={t.kit.check(asked.line + 1, asked.group + 1)} value={typed} onValue={setTyped} mono wrong={tried && !right ? t.kit.checkBad : undefined} />
          <Failure error={enter.error} />
          <div class="row"><Button type="submit" icon="check" busy={enter.busy}>{t.kit.go}</Button></div>
        </Form>
      </Front>
    </WithAccount>
  );
}

/** What is printed. */
function Sheet({ kit, account }: { kit: readonly string[]; account: Account }): JSX.Element {
  const { identity } = account.session;
  const facts = t.kit.paperFacts;
  return (
    <section class="sheet" aria-label={t.kit.paperTitle}>
      <h2>{t.kit.paperTitle}</h2>
      <p class="print-only">{t.kit.paperPurpose} {t.kit.warning}</p>
      <Facts rows={[[facts.name, identity.name], [facts.id, <span class="mono" key="id">{identity.id}</span>], [facts.server, identity.server], [facts.made, dayOf(Date.now())]]} />
      <div class="sheet-code">
        <ol class="kit-lines mono">{kit.map((line) => <li key={line}>{line}</li>)}</ol>
        <figure>
          <Qr text={PREFIX + kit.join("").replace(/\s/g, "")} label={t.kit.scan} />
          <figcaption class="small soft">{t.kit.scan}</figcaption>
        </figure>
      </div>
      <p class="print-only">{t.kit.paperHow}</p>
    </section>
  );
}

/** Takes a group that only who has the page knows. */
function pick(kit: readonly string[]): { line: number; group: number; answer: string } {
  const [a = 0, b = 0] = crypto.getRandomValues(new Uint8Array(2));
  const line = a % Math.max(1, kit.length);
  const groups = (kit[line] ?? "").split(" ");
  const group = b % groups.length;
  return { line, group, answer: groups[group] ?? "" };
}

/** Compares as somebody types who reads from paper. */
function same(typed: string, answer: string): boolean {
  const plain = (s: string): string => s.replace(/[\s-]/g, "").toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
  return plain(typed) === plain(answer);
}
