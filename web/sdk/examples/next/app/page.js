"use client";

import { useEffect, useState } from "react";

import { example } from "./example.js";

export default function Page() {
  const [said, say] = useState("…");
  useEffect(() => {
    example().then(say, (e) => { say(`${e.name} ${e.code ?? ""}: ${e.message}`); });
  }, []);
  return <p id="result">{said}</p>;
}
