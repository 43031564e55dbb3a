/** Behind a link: for somebody without an identity. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Failure, Notice } from "../parts/basics.js";
import { Form, SecretField } from "../parts/fields.js";
import { useModel } from "../state/model.js";
import { useWork } from "../state/work.js";
import { shortId, t } from "../texts/index.js";
import { Front } from "./front.js";

/** The form of a link's fragment: version, owner, secret, and whether a passcode belongs to it. */
const FRAGMENT = /^#1\.(rid1[a-z0-9]{58})\.[A-Za-z0-9_-]{43}(\.p)?$/;

export function Link(): JSX.Element {
  const model = useModel();
  const [passcode, setPasscode] = useState("");
  const [, owner, locked] = FRAGMENT.exec(location.hash) ?? [];
  const open = useWork(() => model.openLink(location.href, passcode === "" ? undefined : passcode));
  return (
    <Front title={t.link.title}>
      <p class="lead">{t.link.lead}</p>
      {owner === undefined ? <Notice kind="bad">{t.link.bad}</Notice> : (
        <Form label={t.link.title} onSubmit={() => { if (!open.busy) void open.run(); }}>
          <p class="soft">{t.link.owner}: <span class="mono">{shortId(owner)}</span></p>
          {locked !== undefined && <SecretField label={t.link.passcode} value={passcode} onValue={setPasscode} hint={t.link.passcodeHint} autocomplete="off" />}
          <Failure error={open.error} />
          <div class="row"><Button kind="primary" type="submit" icon="open" busy={open.busy}>{open.busy ? t.link.busy : t.link.go}</Button></div>
        </Form>
      )}
    </Front>
  );
}
